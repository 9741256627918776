package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Mirror is a copy of the current resources in MongoDB, for analysts.
type Mirror struct {
	URI  string `name:"mirror" env:"LIENTHONG_MIRROR" placeholder:"URI" help:"Keep a copy of all current resources for analysts in this MongoDB database: mongodb://HOSTS/DATABASE, another one than that of the log. Whoever may read it sees everything, without the policy. Default: none."`
	File string `name:"mirror-file" type:"path" env:"LIENTHONG_MIRROR_FILE" placeholder:"FILE" help:"File with that URI, so that its password is in no command line."`
}

// Address gives the URI and the name of its database; "" if there is no mirror.
func (m Mirror) Address() (uri, database string, err error) {
	uri = m.URI
	if m.File != "" {
		if m.URI != "" {
			return "", "", errors.New("--mirror and --mirror-file say the same; give one of them")
		}
		raw, err := os.ReadFile(m.File)
		if err != nil {
			return "", "", fmt.Errorf("address of the mirror: %w", err)
		}
		uri = strings.TrimSpace(string(raw))
	}
	if uri == "" {
		return "", "", nil
	}
	rest, _, _ := strings.Cut(uri, "?")
	_, rest, isURI := strings.Cut(rest, "://")
	_, database, _ = strings.Cut(rest, "/")
	if !isURI || !strings.HasPrefix(uri, "mongodb") || database == "" {
		return "", "", errors.New("the address of the mirror must be mongodb://HOSTS/DATABASE")
	}
	return uri, database, nil
}

// check refuses a mirror in the database of the log.
func (m Mirror) check(l Log) error {
	uri, database, err := m.Address()
	if err != nil || uri == "" || !l.Shared() {
		return err
	}
	log, err := l.Address()
	if err != nil {
		return err
	}
	if path, _, _ := strings.Cut(log, "?"); strings.HasSuffix(path, "/"+database) {
		return errors.New("the mirror must have another database than the log")
	}
	return nil
}
