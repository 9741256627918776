package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
)

const (
	mostWrites = 500     // of one batch, but for those of one commit
	mostBytes  = 8 << 20 // likewise
	oneTry     = 30 * time.Second
	longestGap = 30 * time.Second // between tries, when the mirror's server is away
)

// Mirror follows a store. See the package comment.
type Mirror struct {
	store   store.Store
	log     *slog.Logger
	client  *mongo.Client
	db      *mongo.Database
	indexed map[fhir.Type]bool // by Run alone

	mu sync.Mutex // guards what follows
	at fhir.T     // what the mirror has
	ok bool       // at is known, and the last try went well
}

// Open makes a mirror in a database. The server is not asked yet: it may be away when the store starts.
func Open(uri, database string, st store.Store, log *slog.Logger) (*Mirror, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetAppName("lienthong mirror").SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return nil, err
	}
	return &Mirror{store: st, log: log, client: client, db: client.Database(database), indexed: map[fhir.Type]bool{}}, nil
}

// Close ends the connection, after Run has ended.
func (m *Mirror) Close(ctx context.Context) error { return m.client.Disconnect(ctx) }

// Lag says how many commits the mirror is behind the store; an error where that is not known or the mirror cannot be fed.
func (m *Mirror) Lag(ctx context.Context) (commits uint64, err error) {
	s, err := m.store.Stats(ctx)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ok {
		return 0, errors.New("the mirror for analysts cannot be fed")
	}
	return uint64(s.Head - min(m.at, s.Head)), nil
}

func (m *Mirror) stands(t fhir.T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ok = ok; ok {
		m.at = t
	}
}

// Run follows the store until ctx ends. A mirror that is away is no error of the server: it is tried again.
func (m *Mirror) Run(ctx context.Context) error {
	gap := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := m.follow(ctx, func() { gap = 100 * time.Millisecond })
		if ctx.Err() != nil {
			break
		}
		m.stands(0, false)
		m.log.Warn("the mirror for analysts cannot be fed", "error", err, "again", gap)
		fhir.Pause(ctx, gap)
		gap = min(2*gap, longestGap)
	}
	return nil
}

// follow applies what the mirror has not, until something fails.
func (m *Mirror) follow(ctx context.Context, went func()) error {
	at, err := m.position(ctx)
	if err != nil {
		return err
	}
	if head, err := m.store.Head(ctx); err != nil {
		return err
	} else if at > head {
		return fmt.Errorf("the mirror has commit %d and the store ends at %d: it is the mirror of another store. Drop its database, or name another one", at, head)
	}
	for {
		m.stands(at, true)
		went()
		next, writes, err := m.gather(ctx, at)
		if err != nil {
			return err
		}
		if next == at {
			if _, err := m.store.WaitHead(ctx, at); err != nil {
				return err
			}
			continue
		}
		if err := m.apply(ctx, writes); err != nil {
			return err
		}
		if err := m.save(ctx, next); err != nil {
			return err
		}
		at = next
	}
}

// gather reads some commits; of each resource the last version counts.
func (m *Mirror) gather(ctx context.Context, after fhir.T) (fhir.T, map[fhir.Key]store.Found, error) {
	writes, size := map[fhir.Key]store.Found{}, 0
	for c, err := range m.store.Feed(ctx, after) {
		if err != nil {
			return after, nil, err
		}
		after = c.T
		for _, w := range c.Writes {
			writes[w.Key] = w
			size += len(w.Stored.Body)
		}
		if len(writes) >= mostWrites || size >= mostBytes {
			break
		}
	}
	return after, writes, nil
}

// apply writes each type's documents. Those that have a newer version already are left alone.
func (m *Mirror) apply(ctx context.Context, writes map[fhir.Key]store.Found) error {
	models := map[fhir.Type][]mongo.WriteModel{}
	for key, w := range writes {
		older := bson.D{{Key: "_id", Value: string(key.ID)}, {Key: "_version", Value: bson.D{{Key: "$lte", Value: int64(w.Version)}}}}
		if w.Deleted() {
			models[key.Type] = append(models[key.Type], mongo.NewDeleteOneModel().SetFilter(older))
			continue
		}
		doc, err := document(&w)
		if err != nil {
			return fmt.Errorf("%s version %s: %w", key, w.Version, err)
		}
		models[key.Type] = append(models[key.Type], mongo.NewReplaceOneModel().SetFilter(older).SetReplacement(doc).SetUpsert(true))
	}
	for typ, all := range models {
		if err := m.index(ctx, typ); err != nil {
			return err
		}
		one, stop := context.WithTimeout(ctx, oneTry)
		_, err := m.db.Collection(string(typ)).BulkWrite(one, all, options.BulkWrite().SetOrdered(false))
		stop()
		if err := butNewer(err); err != nil {
			return err
		}
	}
	return nil
}

// butNewer leaves out that a document was there in a newer version: the upsert then meets its _id.
func butNewer(err error) error {
	bulk, ok := errors.AsType[mongo.BulkWriteException](err)
	if !ok || bulk.WriteConcernError != nil {
		return err
	}
	const duplicateKey = 11000
	for _, e := range bulk.WriteErrors {
		if e.Code != duplicateKey {
			return err
		}
	}
	return nil
}

// index makes the indexes of a type's collection that questions of analysts begin at.
func (m *Mirror) index(ctx context.Context, typ fhir.Type) error {
	if m.indexed[typ] {
		return nil
	}
	fields := []string{"_lastUpdated", "identifier.value"}
	switch typ {
	case "Patient":
		fields = append(fields, "birthDate_date")
	case "Immunization":
		fields = append(fields, "patient.reference", "vaccineCode.coding.code", "occurrenceDateTime_date", "lotNumber")
	case "Claim", "ClaimResponse", "AllergyIntolerance":
		fields = append(fields, "patient.reference")
	default:
		fields = append(fields, "subject.reference", "code.coding.code")
	}
	var models []mongo.IndexModel
	for _, f := range fields {
		models = append(models, mongo.IndexModel{Keys: bson.D{{Key: f, Value: 1}}})
	}
	one, stop := context.WithTimeout(ctx, oneTry)
	defer stop()
	if _, err := m.db.Collection(string(typ)).Indexes().CreateMany(one, models); err != nil {
		return err
	}
	m.indexed[typ] = true
	return nil
}

// position is the row of _mirror.
type position struct {
	ID     string `bson:"_id"`
	Commit int64  `bson:"commit"`
}

func (m *Mirror) position(ctx context.Context) (fhir.T, error) {
	one, stop := context.WithTimeout(ctx, oneTry)
	defer stop()
	var p position
	err := m.db.Collection("_mirror").FindOne(one, bson.D{{Key: "_id", Value: "position"}}).Decode(&p)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	return fhir.T(p.Commit), err
}

func (m *Mirror) save(ctx context.Context, t fhir.T) error {
	one, stop := context.WithTimeout(ctx, oneTry)
	defer stop()
	_, err := m.db.Collection("_mirror").ReplaceOne(one, bson.D{{Key: "_id", Value: "position"}}, position{"position", int64(t)}, options.Replace().SetUpsert(true))
	return err
}
