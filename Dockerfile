# docker build -t synthmed .                                                    CPU
# docker build -t synthmed:cuda --build-arg REQUIREMENTS=requirements-cuda.txt . NVIDIA GPU
# How to run it: BUILD.md, "Containers".
ARG PYTHON=3.13
FROM python:${PYTHON}-slim-trixie

# oneDNN's convolutions need it. A release of Debian holds one version of it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
# Before the program, so that a change of the program installs nothing anew.
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-cuda.txt requirements-formats.txt ./
RUN pip install --no-cache-dir -r "${REQUIREMENTS}" -r requirements-formats.txt

COPY LICENSE main.py ./
COPY configs configs
COPY synthmed_jax synthmed_jax
# The user of the container can't write here: what Python compiles is made now.
RUN python -m compileall -q configs synthmed_jax \
    && useradd --uid 1000 --no-create-home --home-dir /cache synthmed \
    && install --directory --mode=1777 /cache /runs \
    && mkdir /data

# Images; workdirs; prepared images, compiled programs and weights. The last two can be written by
# any user, as of `docker run --user`, whose home would else be /.
ENV HOME=/cache PYTHONUNBUFFERED=1
VOLUME ["/data", "/runs", "/cache"]
USER 1000:1000
ENTRYPOINT ["python", "/app/main.py"]
