FROM python:3.13.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=project.settings \
    COLLECTED_STATIC=true \
    HTTPS=true \
    LOG_FORMAT=json

WORKDIR /app

COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

COPY LICENSE manage.py ./
COPY healthcheck ./healthcheck
COPY project ./project
RUN python -m compileall -q healthcheck project \
    && python manage.py collectstatic --no-input

# A new volume in its place takes on owner and mode.
RUN install --directory --owner=10001 --group=10001 --mode=700 /spool

# By number, so that a cluster can see that it is not root. It owns nothing else in the image.
USER 10001:10001
EXPOSE 8000

CMD ["gunicorn", "--config=python:project.gunicorn_conf", "project.wsgi"]
