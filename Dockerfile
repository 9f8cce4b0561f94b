# Two stages: the first has pip and installs, the second has what runs and no more.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/onsale
COPY requirements.txt /tmp/requirements.txt
RUN /opt/onsale/bin/pip install --require-hashes --only-binary :all: \
      -r /tmp/requirements.txt

FROM python:3.13-slim
# A named account, because Postgres refuses a uid without an entry in /etc/passwd.
RUN useradd --system --uid 10001 --user-group --home-dir /app --shell /usr/sbin/nologin \
      onsale \
 && install --directory --owner onsale --group onsale --mode 0711 /data
COPY --from=build /opt/onsale /opt/onsale
WORKDIR /app
COPY inventory inventory
COPY persistence persistence
COPY server server
COPY bench bench
COPY LICENSE pyproject.toml ./
ENV PATH=/opt/onsale/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ONSALE_HOST=0.0.0.0 \
    ONSALE_PORT=8080 \
    ONSALE_DATA_DIR=/data
USER onsale
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", \
  "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['ONSALE_PORT'] + '/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "server"]
CMD ["serve"]
