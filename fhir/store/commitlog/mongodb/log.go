package mongodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// Log is a commitlog.Log in collections of MongoDB. See the package comment.
type Log struct {
	o       Config
	client  *mongo.Client
	commits *mongo.Collection // as of the majority
	heads   *mongo.Collection // the same, linearizable where the server can
	chunks  *mongo.Collection
	meta    *mongo.Collection
	concern *readconcern.ReadConcern // that of commits; nil on a single server
	id      string
	single  bool // one server that is no replica set: it is asked by _id alone

	mu   sync.Mutex // guards what follows; nothing is asked under it
	tail tail
	own  fhir.T // the last commit that was appended here

	watch watch

	refusing atomic.Bool // the last append was refused
}

// tail is the last group that this server knows of.
type tail struct {
	first, end fhir.T // its commits; 0 = the log was empty
	group      commitlog.ID
	seen       time.Time // when the log last had it
}

var (
	_ commitlog.Log    = (*Log)(nil)
	_ commitlog.Waiter = (*Log)(nil)
)

// sureFor is how long the last group known is taken to be still there without asking: only an operator who puts an older
// copy of the log in its place can take it away.
const sureFor = time.Second

func (l *Log) known() tail {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail
}

// learn notes a group that the log has.
func (l *Log) learn(t tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.end >= l.tail.end {
		l.tail = t
	}
}

// forget goes back to a shorter log: it was put back.
func (l *Log) forget(t tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = t
}

func tailOf(g *group, first fhir.T, seen time.Time) tail {
	t := tail{first: first, end: first + fhir.T(g.N) - 1, seen: seen}
	copy(t.group[:], g.Group.Data)
	return t
}

// Append implements commitlog.Log. It takes up to Config.Timeout, whatever ctx allows beyond.
func (l *Log) Append(ctx context.Context, after fhir.T, commits []commitlog.Commit) (fhir.T, error) {
	if err := ctx.Err(); err != nil {
		return 0, unreachable(err)
	}
	if len(commits) == 0 {
		return after, nil
	}
	if len(commits) > maxGroup {
		return 0, fmt.Errorf("mongodb log: %d commits in one group, at most %d", len(commits), maxGroup)
	}
	ctx, stop := context.WithTimeout(ctx, l.o.Timeout)
	defer stop()
	if err := l.endsAt(ctx, after); err != nil {
		return 0, err
	}
	g, chunks := pack(after, commits, l.o.Inline)
	if err := l.putChunks(ctx, chunks); outcomeOf(err) == refused {
		l.refusing.Store(true)
		return 0, refusal(err)
	} else if err != nil {
		return 0, unreachable(err)
	}
	err := l.put(ctx, g)
	switch {
	case err == nil:
		l.refusing.Store(false)
		l.learn(tailOf(g, after+1, time.Now()))
		l.mu.Lock()
		l.own = after + fhir.T(len(commits))
		l.mu.Unlock()
		return after + fhir.T(len(commits)), nil
	case errors.Is(err, commitlog.ErrMoved), errors.Is(err, commitlog.ErrUnreachable):
		l.dropChunks(chunks)
	}
	return 0, err
}

// endsAt gives ErrMoved unless the log ends with commit t, as far as this server knows.
func (l *Log) endsAt(ctx context.Context, t fhir.T) error {
	known := l.known()
	if t != known.end || time.Since(known.seen) > sureFor {
		head, err := l.Head(ctx)
		if err != nil {
			return err
		}
		if head != t {
			return commitlog.ErrMoved
		}
	}
	return nil
}

// put inserts g until its outcome is known.
func (l *Log) put(ctx context.Context, g *group) error {
	sent := false
	for try := 0; ; try++ {
		one, stop := context.WithTimeout(ctx, l.o.tryFor())
		_, err := l.commits.InsertOne(one, g)
		stop()
		if err == nil {
			return nil
		}
		if mongo.IsDuplicateKeyError(err) {
			switch own, err := l.isOurs(ctx, g); {
			case err == nil && own:
				return nil
			case err == nil:
				return commitlog.ErrMoved
			} // else it could not be read back, or the majority has not got it yet: ask again
		} else if outcome := outcomeOf(err); outcome == refused && !sent {
			l.refusing.Store(true)
			return refusal(err)
		} else if outcome == unknown {
			sent = true
		}
		if !fhir.Pause(ctx, backoff(try)) {
			if !sent && !mongo.IsDuplicateKeyError(err) {
				return unreachable(err)
			}
			return fmt.Errorf("mongodb log: it is not known whether commit %s got in: %w", g.ID, err)
		}
		if try == 1 {
			l.o.Logger.Warn("append to the log is repeated", "commit", g.ID, "error", err)
		}
	}
}

// errNotYet says that the majority does not have yet what the primary has under an _id: it may get it, or lose it.
var errNotYet = errors.New("not known to the majority yet")

// isOurs says whether the group under g's _id is g.
func (l *Log) isOurs(ctx context.Context, g *group) (bool, error) {
	there, err := l.one(ctx, l.heads, g.ID, headFields)
	if err == nil && there == nil {
		err = errNotYet
	}
	if err != nil {
		return false, err
	}
	return string(there.Group.Data) == string(g.Group.Data), nil
}

func (l *Log) putChunks(ctx context.Context, chunks []chunk) error {
	for i := range chunks {
		for try := 0; ; try++ {
			one, stop := context.WithTimeout(ctx, l.o.tryFor())
			_, err := l.chunks.InsertOne(one, &chunks[i])
			stop()
			if err == nil || mongo.IsDuplicateKeyError(err) { // of a try before: the name has the group's id
				break
			}
			if outcomeOf(err) == refused || !fhir.Pause(ctx, backoff(try)) {
				return err
			}
		}
	}
	return nil
}

// probe is a document of meta by which a log that refused is tried.
type probe struct {
	ID   string      `bson:"_id"`
	Body bson.Binary `bson:"b"`
}

// Ready gives why the log takes no commits, with ErrRefused; nil if the last append got in. A log that refused is tried by a document
// that is taken away again, so that it shows by itself when it takes them.
func (l *Log) Ready(ctx context.Context) error {
	if !l.refusing.Load() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, l.o.tryFor())
	defer stop()
	p := probe{ID: "probe", Body: bson.Binary{Data: make([]byte, 64<<10)}}
	this := bson.D{{Key: "_id", Value: p.ID}}
	_, err := l.meta.DeleteOne(ctx, this)
	if err == nil {
		_, err = l.meta.InsertOne(ctx, p)
	}
	if mongo.IsDuplicateKeyError(err) { // another server tries too
		err = nil
	}
	if err == nil {
		_, err = l.meta.DeleteOne(ctx, this)
	}
	if err != nil {
		return refusal(err)
	}
	l.refusing.Store(false)
	return nil
}

// dropChunks removes the chunks of a group that did not get in. What is left is swept at a start.
func (l *Log) dropChunks(chunks []chunk) {
	if len(chunks) == 0 {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), l.o.Timeout)
	defer stop()
	for i := range chunks {
		if _, err := l.chunks.DeleteOne(ctx, bson.D{{Key: "_id", Value: chunks[i].ID}}); err != nil {
			return
		}
	}
}

// Close implements commitlog.Log.
func (l *Log) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), l.o.Timeout)
	defer stop()
	l.watch.close(ctx)
	err := l.client.Disconnect(ctx)
	if errors.Is(err, mongo.ErrClientDisconnected) {
		return nil
	}
	return err
}

func backoff(try int) time.Duration {
	return min(5*time.Millisecond<<min(try, 8), 500*time.Millisecond)
}

// tryFor is how long one try may take: several fit into the whole.
func (c *Config) tryFor() time.Duration { return max(c.Timeout/4, 100*time.Millisecond) }

func discard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
