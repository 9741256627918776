# Two stages: the binary is static (no C), the image holds it and nothing else, and it does not run as root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /lienthong ./cmd/lienthong && mkdir /data

FROM scratch
COPY --from=build /lienthong /lienthong
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/lienthong"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--data", "/data"]
