"""The stages on AWS, as a CDK app: ``base`` before the functions are deployed, ``edge`` after."""
