# steadymap as a container: pinned, non-root, numba's cache warm.
#   docker build -t steadymap .
#   docker run --rm -v "$PWD:/data" steadymap steadymap sweep latents.npz
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 steadymap
WORKDIR /opt/steadymap
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    NUMBA_CACHE_DIR=/opt/steadymap/.numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    PREFECT_HOME=/home/steadymap/.prefect

# Dependencies first: they change less often than the code.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install -c constraints.txt hatchling editables

COPY configs configs
COPY tasks tasks
COPY reports reports
COPY flows flows
COPY deployments deployments
COPY src src
COPY prefect.yaml .
RUN pip install --no-build-isolation -c constraints.txt -e '.[s3]' \
    && mkdir -p .numba && chown -R steadymap:steadymap .numba

USER steadymap
# Compile once at build time what workers would compile at their start.
RUN python -c "import steadymap.tasks.numerics.preload"

WORKDIR /data
# No entry point: workers of Docker and Kubernetes pools run `prefect flow-run execute` in it.
CMD ["steadymap", "--help"]
