# syntax=docker/dockerfile:1
# Conduit in a container without a shell.
#
#   docker build -t conduit .
#   docker run -p 127.0.0.1:9091:9091 -v conduit-data:/data -v ./config:/config:ro --env-file conduit.env conduit
#
# Dependencies are built in a layer of their own (cargo-chef), so that a change of ours rebuilds ours alone.
# The base images are pinned by tag; pin them by digest where your registry mirror does not do that for you.
# Rules are in /config: mount your own there, or build an image `FROM conduit` that copies them in.

FROM rust:1.95-slim-bookworm AS chef
WORKDIR /build
RUN cargo install cargo-chef --version 0.1.78 --locked

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --profile dist --locked --bin conduit --recipe-path recipe.json
COPY . .
RUN cargo build --profile dist --locked --bin conduit && mkdir -p /out/data

# What the program is made of (CycloneDX), from the same lock file: for scanners, and for whoever asks the image in a year. It is
# made beside the program; what it reads is the packages that the lock file pins by hash, and nothing else.
FROM rust:1.95-slim-bookworm AS sbom
WORKDIR /build
COPY . .
RUN cargo fetch --locked && cargo run --locked --offline --package xtask -- sbom --output /conduit.cdx.json

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Conduit" \
      org.opencontainers.image.description="Moves Jira tickets when code moves" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
COPY --from=build /build/target/dist/conduit /conduit
COPY --from=sbom /conduit.cdx.json /usr/share/sbom/conduit.cdx.json
COPY --from=build --chown=65532:65532 /out/data /data
COPY config /config
ENV CONDUIT_CONFIG=/config \
    CONDUIT_STORE=sqlite:/data/conduit.db \
    CONDUIT_LISTEN=0.0.0.0:9091 \
    CONDUIT_LOG_FORMAT=json
USER 65532:65532
VOLUME ["/data"]
EXPOSE 9091
# Work that is under way is finished or handed back within 25 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/conduit", "healthcheck"]
ENTRYPOINT ["/conduit"]
CMD ["serve"]
