# syntax=docker/dockerfile:1
# docker build -t sticky-ghl-sync .
# docker run -d -p 3000:3000 -v sync-data:/app/data --env-file .env --stop-timeout 30 sticky-ghl-sync

FROM node:24-bookworm-slim AS build
WORKDIR /app
# The packages first: they change less often than the sources.
COPY package.json package-lock.json ./
COPY scripts/bootstrap.mjs scripts/
RUN node scripts/bootstrap.mjs
COPY tsconfig.json ./
COPY drizzle/ drizzle/
COPY src/ src/
RUN node scripts/bootstrap.mjs build

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=build /app/dist/ dist/
COPY config/ config/
COPY migrations/ migrations/
COPY public/ public/
# The program may write here and nowhere else; on PostgreSQL it stays empty.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: its shell does not pass SIGTERM on, and accepted work could not be finished.
# The same limits of memory as `npm start` (docs/operations.md).
CMD ["node", "--max-semi-space-size=16", "--max-old-space-size=512", "--enable-source-maps", "dist/src/main.js"]
