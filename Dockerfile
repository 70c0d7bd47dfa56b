# Venture CRM: both programs in one image. `docker run IMAGE` serves; `docker run IMAGE crm-worker run` works.
# docs/deployment.md says how they go together; StartOS builds its package from this file too.

# Pages' scripts and styles. On the builder's own architecture: what comes out is text.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS front
WORKDIR /src/static
COPY static/package.json static/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY static/ ./
RUN npm run build

# The programs. On the target's architecture, which needs no cross compiler; the C compiler is for SQLite.
FROM rust:1.95-slim-bookworm AS programs
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY api/ api/
COPY jobs/ jobs/
COPY worker/ worker/
COPY migrations/ migrations/
COPY templates/ templates/
COPY docs/ docs/
COPY --from=front /src/static/dist/ static/dist/
COPY --from=front /src/static/dist-reader/ static/dist-reader/
RUN cargo build --release --locked -p crm-api -p crm-worker

# What runs: two files, certificates and time zones on Debian slim. Not distroless: StartOS needs `sh` and `chown`.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 crm \
    && useradd --uid 10001 --gid crm --no-create-home --home-dir /data --shell /usr/sbin/nologin crm \
    && install -d -o crm -g crm -m 0700 /data
COPY --from=programs /src/target/release/crm-api /src/target/release/crm-worker /usr/local/bin/
USER crm
# Everything that is written is written here: the rest may be read-only.
VOLUME /data
ENV CRM_DATA_DIR=/data CRM_BIND=0.0.0.0:8080 CRM_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
# Both look at the database for themselves: the image has no curl.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["crm-api", "healthcheck"]
CMD ["crm-api", "serve"]
