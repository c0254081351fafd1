# The server as a small image that runs as nobody in particular.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p commerce-http && strip target/release/commerce

FROM debian:bookworm-slim
COPY --from=build /src/target/release/commerce /usr/local/bin/commerce
# Where a shop on SQLite would be kept.
RUN install -d -o 10001 -g 10001 /data
WORKDIR /data
USER 10001:10001
ENV COMMERCE_LISTEN=0.0.0.0:8080 COMMERCE_DATA=/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["commerce", "health"]
ENTRYPOINT ["commerce"]
CMD ["serve"]
