package mongodb

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lienthong/lienthong/fhir"
)

const (
	// quietFor is how long Wait waits at most: a log that was put back to an older state tells nobody.
	quietFor = 5 * time.Second
	// withoutStream is how long Wait polls where change streams cannot be had, before it tries again.
	withoutStream = time.Minute
)

// watch is the change stream of commits, if the server has change streams. mu guards it, and is held while it is listened to.
type watch struct {
	mu     sync.Mutex
	stream *mongo.ChangeStream
	retry  time.Time // no stream is opened before
}

// Wait implements commitlog.Waiter: by a change stream, or where there is none by asking from time to time. What was appended
// here wakes nobody.
func (l *Log) Wait(ctx context.Context, after fhir.T) error {
	if !l.watch.mu.TryLock() { // somebody else listens
		return l.poll(ctx, after)
	}
	defer l.watch.mu.Unlock()
	if l.watch.stream == nil && !l.single && time.Now().After(l.watch.retry) {
		l.listen(ctx)
		return ctx.Err() // there may be more since the caller looked
	}
	if l.watch.stream == nil {
		return l.poll(ctx, after)
	}
	for until := time.Now().Add(quietFor); ctx.Err() == nil && time.Now().Before(until); {
		if l.watch.stream.TryNext(ctx) {
			var event struct {
				Key struct {
					ID string `bson:"_id"`
				} `bson:"documentKey"`
			}
			g := group{N: 1}
			if l.watch.stream.Decode(&event) == nil {
				g.ID = event.Key.ID
			}
			if t, err := g.first(); err == nil && t <= l.appended() {
				continue
			}
			return ctx.Err()
		}
		if err := l.watch.stream.Err(); err != nil {
			l.watch.close(context.WithoutCancel(ctx))
			l.watch.retry = time.Now().Add(l.o.Poll)
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (l *Log) appended() fhir.T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own
}

// listen opens the stream. watch.mu is held.
func (l *Log) listen(ctx context.Context) {
	one, stop := context.WithTimeout(ctx, l.o.tryFor())
	defer stop()
	stream, err := l.commits.Watch(one, mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "operationType", Value: "insert"}}}},
		{{Key: "$project", Value: bson.D{{Key: "documentKey", Value: 1}}}},
	}, options.ChangeStream().SetMaxAwaitTime(time.Second))
	if err == nil {
		l.watch.stream = stream
		return
	}
	if ctx.Err() == nil {
		l.watch.retry = time.Now().Add(l.o.Poll)
		if outcomeOf(err) == refused {
			l.watch.retry = time.Now().Add(withoutStream)
			l.o.Logger.Info("the log has no change stream; it is polled", "every", l.o.Poll, "error", Redacted(err.Error()))
		}
	}
}

// poll asks for the group after a commit until there is one.
func (l *Log) poll(ctx context.Context, after fhir.T) error {
	for until := time.Now().Add(quietFor); fhir.Pause(ctx, l.o.Poll) && time.Now().Before(until); {
		own := l.appended()
		if g, err := l.one(ctx, l.commits, key(max(after, own)+1), headFields); err != nil || g != nil {
			break // the caller asks for the head, and finds out about the error too
		}
	}
	return ctx.Err()
}

// close ends the stream. mu is held, or nobody waits any more.
func (w *watch) close(ctx context.Context) {
	if w.stream != nil {
		_ = w.stream.Close(ctx) // the server forgets it by itself
		w.stream = nil
	}
}
