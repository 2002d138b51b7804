# The agent, built and run on the Node that package.json pins. Its folder is /var/lib/restorewatch: the configuration lies there as
# restorewatch.yaml, state, evidence and work beside it unless it says otherwise. The web server listens on loopback, as everywhere:
# to reach it from outside the container set `http.listen: 0.0.0.0:9464`, or end the command with `run --listen 0.0.0.0:9464`.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json LICENSE README.md ./
COPY agent agent
COPY test/meta test/meta
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Restorewatch" \
      org.opencontainers.image.description="Proves that backups of no-code platforms restore" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /build/dist ./
RUN install -d -o node -g node -m 0750 /var/lib/restorewatch
WORKDIR /var/lib/restorewatch
VOLUME /var/lib/restorewatch
# By number, so that a cluster can see that it is not root.
USER 1000:1000
EXPOSE 9464
STOPSIGNAL SIGTERM
# Alive, not ready: a vault that is away is told by /readyz and mended by no restart.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.RESTOREWATCH_HEALTH_URL ?? 'http://127.0.0.1:9464/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=2", "/app/agent/main.js"]
CMD ["run"]
