# Two stages: the compilers' side, npm and its cache stay behind. Runs as a user without rights.
#   docker build -t bellwether:0.1.0 .
#   docker run -p 127.0.0.1:8000:8000 -v ./bellwether.yaml:/etc/bellwether/bellwether.yaml:ro bellwether:0.1.0
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/bellwether
COPY --from=build /build/package.json /build/NOTICE /build/LICENSE ./
COPY --from=build /build/bin ./bin
COPY --from=build /build/dist ./dist
COPY --from=build /build/node_modules ./node_modules
RUN mkdir -p /etc/bellwether/data && chown -R node:node /etc/bellwether/data \
 && ln -s /opt/bellwether/bin/bellwether.js /usr/local/bin/bellwether
USER node
WORKDIR /etc/bellwether
EXPOSE 8000 9111
ENTRYPOINT ["bellwether"]
CMD ["serve"]
