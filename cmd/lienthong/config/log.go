package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Log is the commit log that several servers share. Without it the log is in the folder of the store.
type Log struct {
	URI             string        `name:"log" env:"LIENTHONG_LOG" placeholder:"URI" help:"Commit log that servers share: mongodb://HOSTS/DATABASE of a replica set or sharded cluster. Default: a log in the folder of the store, for one server."`
	URIFile         string        `name:"log-file" type:"path" env:"LIENTHONG_LOG_FILE" placeholder:"FILE" help:"File with that URI, so that its password is in no command line."`
	Single          bool          `name:"log-single" env:"LIENTHONG_LOG_SINGLE" help:"Take a MongoDB server that is no replica set: what it acknowledged is lost with its disk."`
	Timeout         time.Duration `name:"log-timeout" default:"10s" env:"LIENTHONG_LOG_TIMEOUT" help:"How long an append to the shared log may be tried; reads wait half as long for it. Default: ${default}."`
	CheckpointEvery time.Duration `name:"log-checkpoint-every" env:"LIENTHONG_LOG_CHECKPOINT_EVERY" placeholder:"DURATION" help:"Keep a copy of the store beside the shared log this often (GridFS), from which new servers start. Default: none is kept."`
	Stale           bool          `name:"log-stale-reads" env:"LIENTHONG_LOG_STALE_READS" help:"While the shared log is out of reach, answer reads as of the last known change, with a Warning header, instead of 503."`
}

// LogCopy is where the log of the folder is copied to while it is served, to be moved there.
type LogCopy struct {
	URI  string `name:"log-copy" env:"LIENTHONG_LOG_COPY" placeholder:"URI" help:"Copy the log in the folder to this MongoDB database (mongodb://HOSTS/DATABASE) while it is served, and keep the copy up: 'lienthong migrate' then has little left to do. Default: it is not copied."`
	File string `name:"log-copy-file" type:"path" env:"LIENTHONG_LOG_COPY_FILE" placeholder:"FILE" help:"File with that URI, so that its password is in no command line."`
}

// Address gives the URI, read from its file if there is one; "" if there is to be no copy.
func (l LogCopy) Address() (string, error) {
	uri, err := Log{URI: l.URI, URIFile: l.File}.Address()
	if err != nil {
		return "", fmt.Errorf("--log-copy: %w", err)
	}
	return uri, nil
}

func (l LogCopy) check(log Log) error {
	if (l.URI != "" || l.File != "") && log.Shared() {
		return errors.New("--log-copy copies the log in the folder, and --log says that there is none")
	}
	return nil
}

// Shared says whether there is one.
func (l Log) Shared() bool { return l.URI != "" || l.URIFile != "" }

// Address gives the URI, read from its file if there is one.
func (l Log) Address() (string, error) {
	if l.URIFile == "" {
		return l.URI, nil
	}
	if l.URI != "" {
		return "", errors.New("--log and --log-file say the same; give one of them")
	}
	raw, err := os.ReadFile(l.URIFile)
	if err != nil {
		return "", fmt.Errorf("address of the log: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// check refuses what several servers cannot work with: each would take references to the others for foreign ones.
func (l Log) check(listen, baseURL string) error {
	if !l.Shared() {
		return nil
	}
	if l.Timeout < time.Second {
		return errors.New("--log-timeout must be at least 1s")
	}
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && baseURL == "" && (ip == nil || !ip.IsLoopback()) && host != "localhost" {
		return errors.New("--log needs --base-url, the same for all servers: the address by which clients reach them")
	}
	return nil
}
