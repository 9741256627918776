package ferretdbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver that FerretDB opens the same files by
)

// FerretDB v1.24 looks for an _id by an expression that its own index over SQLite is not of (_ferretdb_sjson->'$._id', where the index
// has ->"_id"), so each look-up reads the whole collection, and a log costs the more the longer it is. No server that is meant for a
// log does that: indexCommits gives commits an index that such look-ups find.

// indexEvery is how often FerretDB's folder is looked at; a collection without the index is slow, and nothing worse.
const indexEvery = 20 * time.Millisecond

// indexCommits gives the collections of commits in dir their index, also those that are made later, until ctx ends.
func indexCommits(ctx context.Context, dir string) {
	indexed := map[string]bool{}
	for {
		files, _ := filepath.Glob(filepath.Join(dir, "*.sqlite")) // the pattern is right
		for _, file := range files {
			if !indexed[file] {
				indexed[file] = indexCommitsOf(ctx, file) == nil
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(indexEvery):
		}
	}
}

var errNoCommits = errors.New("no collection of commits yet")

// indexCommitsOf does so in one database.
func indexCommitsOf(ctx context.Context, file string) error {
	if at, err := os.Stat(file); err != nil || time.Since(at.ModTime()) > time.Minute {
		return err // nothing is made in it any more
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	var table string
	err = db.QueryRowContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'commits\_%' ESCAPE '\'`).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoCommits
	}
	if err == nil {
		name := strings.ReplaceAll(table, `"`, `""`)
		_, err = db.ExecContext(ctx, fmt.Sprintf(`CREATE INDEX IF NOT EXISTS "%s_by_id" ON "%s" (_ferretdb_sjson->'$._id')`, name, name))
	}
	return err
}
