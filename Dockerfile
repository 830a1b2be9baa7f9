# The one image of both functions and of every stage, on AWS Lambda's Python 3.13: `docker build .`
FROM public.ecr.aws/lambda/python:3.13 AS build
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --target /packages -r requirements.txt \
 && find /packages -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +

FROM public.ecr.aws/lambda/python:3.13
COPY --from=build /packages ${LAMBDA_TASK_ROOT}
COPY databridge ${LAMBDA_TASK_ROOT}/databridge
COPY ingestion ${LAMBDA_TASK_ROOT}/ingestion
COPY accounts ${LAMBDA_TASK_ROOT}/accounts
COPY templates ${LAMBDA_TASK_ROOT}/templates
COPY static ${LAMBDA_TASK_ROOT}/static
COPY manage.py zappa_settings.json ${LAMBDA_TASK_ROOT}/
# olefile brings a module for Python 2 along, which does not compile.
# The database holds content types and permissions and is never written again; Lambda runs the image as its own user.
ENV DATABRIDGE_SQLITE=${LAMBDA_TASK_ROOT}/django.sqlite3
RUN AWS_DEFAULT_REGION=eu-west-1 python -m zappa.cli save-python-settings-file dev_web \
 && python manage.py migrate --verbosity 0 \
 && DATABRIDGE_STAGE=dev DATABRIDGE_SECRET_KEY=build DATABRIDGE_HOSTS=localhost python manage.py collectstatic --noinput --ignore src --verbosity 0 \
 && python -m compileall -q -x 'olefile/olefile2' ${LAMBDA_TASK_ROOT} \
 && chmod -R a+rX ${LAMBDA_TASK_ROOT}
CMD ["databridge.lambda_entry.handler"]
