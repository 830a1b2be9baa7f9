"""What a dataset's files are agreed to look like: the contract, how a file is read towards it, and what may change."""
