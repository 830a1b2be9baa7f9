# The one image of both functions, on AWS Lambda's Python 3.13. `docker build --build-arg STAGE=dev_web .`
FROM public.ecr.aws/lambda/python:3.13 AS build
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --target /packages -r requirements.txt

FROM public.ecr.aws/lambda/python:3.13
ARG STAGE
COPY --from=build /packages ${LAMBDA_TASK_ROOT}
COPY databridge databridge
COPY ingestion ingestion
COPY accounts accounts
COPY templates templates
COPY static static
COPY manage.py zappa_settings.json ./
# Names only; secrets are read when the function starts. The database holds content types and is never written again.
ENV DATABRIDGE_SQLITE=${LAMBDA_TASK_ROOT}/django.sqlite3
RUN AWS_DEFAULT_REGION=eu-west-1 python -m zappa.cli save-python-settings-file ${STAGE} \
 && DATABRIDGE_STAGE=local python manage.py migrate --verbosity 0 \
 && DATABRIDGE_STAGE=dev DATABRIDGE_SECRET_KEY=build python manage.py collectstatic --noinput --verbosity 0
CMD ["databridge.lambda_entry.handler"]
