# Two stages: the first installs, the second has what runs and no more. The digest of the
# base is for those to say who build: `--build-arg PYTHON_IMAGE=python@sha256:…`.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# This stage's pip installs into it, so that it has none of its own.
RUN python -m venv --without-pip /opt/onsale
WORKDIR /build
COPY requirements.txt requirements-build.txt ./
RUN pip install --require-hashes --only-binary :all: -r requirements-build.txt \
 && pip --python /opt/onsale/bin/python install --no-compile \
      --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY inventory inventory
COPY persistence persistence
COPY server server
# Nobody who runs it may write there, so it is compiled now or at each start; without
# regard to times of files, which copying between stages may change.
RUN python -m hatchling build -t wheel -d dist \
 && pip --python /opt/onsale/bin/python install --no-compile --no-index --no-deps \
      dist/*.whl \
 && /opt/onsale/bin/python -m compileall -q -j 0 \
      --invalidation-mode unchecked-hash /opt/onsale/lib

FROM ${PYTHON_IMAGE}
# A named account, because Postgres refuses a uid without an entry in /etc/passwd. The
# base comes with a pip, and with the standard library as text.
RUN groupadd --gid 10001 onsale \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
      --shell /usr/sbin/nologin onsale \
 && install --directory --owner onsale --group onsale --mode 0711 /data \
 && pip uninstall --yes --quiet --root-user-action ignore pip \
 && library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && rm -rf "$library/ensurepip" \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      -x '/(site-packages|tests?|lib2to3)/' "$library"
COPY --from=build /opt/onsale /opt/onsale
ENV PATH=/opt/onsale/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ONSALE_HOST=0.0.0.0 \
    ONSALE_PORT=8080 \
    ONSALE_DATA_DIR=/data
USER 10001:10001
WORKDIR /
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# The server writes down where it listens, so whoever gives it another port, or `--port`,
# need not say so here. Where it keeps its data elsewhere, by `--data-dir`, it is looked
# for at its usual port. No proxy of the environment stands between.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-c", "\
import os, pathlib, urllib.request as u; \
told = pathlib.Path(os.environ['ONSALE_DATA_DIR'], 'address'); \
usual = 'http://localhost:' + os.environ['ONSALE_PORT']; \
url = told.read_text().strip() if told.exists() else usual; \
u.build_opener(u.ProxyHandler({})).open(url + '/readyz', timeout=2)"]
ENTRYPOINT ["onsale"]
CMD ["serve"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Onsale" \
      org.opencontainers.image.description="A server for ticket on-sales: exact, durable, live." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
