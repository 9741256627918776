package mongodb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Config says where the log is.
type Config struct {
	URI string // its database is where the collections are; "" = lienthong

	// Single allows a server that is no replica set: what it acknowledges is on its one disk. Such a server is asked by
	// _id alone.
	Single bool

	Timeout time.Duration // of an append with all its tries, and of a question; 0 = 10 s
	Poll    time.Duration // how often the log is asked for what others appended; 0 = 100 ms
	Logger  *slog.Logger  // nil = none

	// Inline is the longest body in a document of commits, in bytes; beyond, it lies in chunks of that length. 0 = 12 MiB,
	// which leaves room for the other fields.
	Inline int
	// InOrder asks a single server by the order of _id, as a replica set is.
	InOrder bool
}

// inlineMost is the default of Config.Inline; a document may have 16 MiB.
const inlineMost = 12 << 20

// patience is how long a member may take to say how it is. One that stands still, with its connections open, is noticed by
// that alone: the default is longer than an append may take.
const patience = 2 * time.Second

// schema numbers the documents' form. Open takes logs of this one; a later one would be migrated to while older servers
// run, by fields that those pass over.
const schema = 1

// metaRow is the one document of meta.
type metaRow struct {
	ID     string    `bson:"_id"`
	Schema int32     `bson:"schema"`
	Log    string    `bson:"id"`
	Made   time.Time `bson:"made"`
}

// Open opens the log, making it if there is none. It refuses addresses, servers and collections that cannot keep what a log
// promises, with an error for the operator. It needs no more rights than readWrite on its database.
func Open(ctx context.Context, c Config) (*Log, error) {
	name, err := CheckURI(c.URI)
	if err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Poll == 0 {
		c.Poll = 100 * time.Millisecond
	}
	if c.Inline == 0 {
		c.Inline = inlineMost
	}
	c.Logger = discard(c.Logger)
	journal := true
	o := options.Client().ApplyURI(c.URI).SetAppName("lienthong").
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal}).
		SetReadPreference(readpref.Primary()).SetRetryWrites(true).SetRetryReads(true).
		SetServerSelectionTimeout(c.tryFor()).SetConnectTimeout(min(c.tryFor(), patience)).SetHeartbeatInterval(time.Second)
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("connect to the log: %s", Redacted(err.Error()))
	}
	l := &Log{o: c, client: client}
	if err := l.prepare(ctx, name); err != nil {
		_ = l.Close() // the first error says more
		return nil, err
	}
	return l, nil
}

func (l *Log) prepare(ctx context.Context, name string) error {
	ctx, stop := context.WithTimeout(ctx, 3*l.o.Timeout)
	defer stop()
	alone, err := l.checkServer(ctx)
	if err != nil {
		return err
	}
	l.single = alone && !l.o.InOrder
	db := l.client.Database(name)
	majority, linear := readconcern.Majority(), readconcern.Linearizable()
	if alone {
		majority, linear = nil, nil // one disk is all there is to read from
	}
	l.concern = majority
	as := func(c *readconcern.ReadConcern) *options.CollectionOptionsBuilder {
		if c == nil {
			return options.Collection()
		}
		return options.Collection().SetReadConcern(c)
	}
	l.commits, l.heads = db.Collection("commits", as(majority)), db.Collection("commits", as(linear))
	l.chunks, l.meta = db.Collection("chunks", as(majority)), db.Collection("meta", as(majority))
	if err := l.checkCollections(ctx, db); err != nil {
		return err
	}
	if err := l.checkSchema(ctx); err != nil {
		return err
	}
	return l.sweep(ctx)
}

// checkServer looks at what answers. alone: it is no replica set and no cluster.
func (l *Log) checkServer(ctx context.Context) (alone bool, err error) {
	hello, err := l.hello(ctx)
	if err != nil {
		return false, unreachable(errors.New(Redacted(err.Error())))
	}
	if hello.SetName != "" || hello.Msg == "isdbgrid" {
		return false, nil
	}
	if !l.o.Single {
		return true, errors.New("the server of the log is no replica set: what it acknowledges is on one disk and lost with it. Make it a replica set (rs.initiate), or say that one server is meant (--log-single)")
	}
	return true, nil
}

// hello is what a server says of itself.
type hello struct {
	SetName string `bson:"setName"`
	Msg     string `bson:"msg"` // isdbgrid: of a cluster
}

// hello asks for it. Servers of before 4.4.2 know the question by its old name alone.
func (l *Log) hello(ctx context.Context) (h hello, err error) {
	admin := l.client.Database("admin")
	err = admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&h)
	const commandNotFound = 59
	if refused, ok := errors.AsType[mongo.CommandError](err); ok && refused.Code == commandNotFound {
		err = admin.RunCommand(ctx, bson.D{{Key: "isMaster", Value: 1}}).Decode(&h)
	}
	return h, err
}

// checkCollections refuses collections whose options would break the log. Those that are not there yet are made by the first
// insert, with the defaults, which are right.
func (l *Log) checkCollections(ctx context.Context, db *mongo.Database) error {
	specs, err := db.ListCollectionSpecifications(ctx, bson.D{})
	if err != nil {
		return unreachable(err)
	}
	for _, s := range specs {
		if s.Name != "commits" && s.Name != "chunks" {
			continue
		}
		refuse := func(why string) error {
			return fmt.Errorf("the collection %s.%s %s; a log cannot be kept in it", db.Name(), s.Name, why)
		}
		if s.Type != "" && s.Type != "collection" {
			return refuse("is a " + s.Type)
		}
		for option, why := range map[string]string{
			"capped":             "is capped: old commits would vanish",
			"expireAfterSeconds": "expires documents: old commits would vanish",
			"collation":          "has a collation: numbers of commits would not be told apart byte by byte",
			"validator":          "has a validator: appends could be refused",
		} {
			if v, err := s.Options.LookupErr(option); err == nil && !(v.Type == bson.TypeBoolean && !v.Boolean()) {
				return refuse(why)
			}
		}
		if err := l.checkIndexes(ctx, db.Collection(s.Name), refuse); err != nil {
			return err
		}
	}
	return l.checkShards(ctx, db.Name())
}

func (l *Log) checkIndexes(ctx context.Context, c *mongo.Collection, refuse func(string) error) error {
	indexes, err := c.Indexes().ListSpecifications(ctx)
	if err != nil {
		return unreachable(err)
	}
	for _, i := range indexes {
		if i.ExpireAfterSeconds != nil {
			return refuse("has an index that expires documents (" + i.Name + "): old commits would vanish")
		}
	}
	return nil
}

// checkShards refuses a shard key by which one _id could be there twice. On a cluster only; who may not read config.collections
// is told to look himself.
func (l *Log) checkShards(ctx context.Context, database string) error {
	if hello, err := l.hello(ctx); err != nil || hello.Msg != "isdbgrid" {
		return unreachable(err)
	}
	var row struct {
		Key bson.D `bson:"key"`
	}
	err := l.client.Database("config").Collection("collections").FindOne(ctx, bson.D{{Key: "_id", Value: database + ".commits"}}).Decode(&row)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return nil
	case err != nil:
		l.o.Logger.Warn("the shard key of the log could not be read; if it is sharded, its key must be _id", "error", err)
		return nil
	case len(row.Key) != 1 || row.Key[0].Key != "_id":
		return fmt.Errorf("the collection %s.commits is sharded by another key than _id: two servers could append the same commit", database)
	}
	return nil
}

// ID is the name that the log got when it was made: one that takes its place has another.
func (l *Log) ID() string { return l.id }

// checkSchema reads what the log is, or says so in a new one.
func (l *Log) checkSchema(ctx context.Context) error {
	var row metaRow
	for try := 0; ; try++ {
		err := l.meta.FindOne(ctx, bson.D{{Key: "_id", Value: "log"}}).Decode(&row)
		switch {
		case err == nil && row.Schema != schema:
			return fmt.Errorf("the log was written in form %d; this program knows form %d", row.Schema, schema)
		case err == nil:
			l.id = row.Log
			return nil
		case !errors.Is(err, mongo.ErrNoDocuments):
			return unreachable(err)
		case try > 5:
			return errors.New("the log does not keep what is written to it")
		}
		var id [16]byte
		_, _ = rand.Read(id[:]) // it never fails
		_, err = l.meta.InsertOne(ctx, metaRow{ID: "log", Schema: schema, Log: hex.EncodeToString(id[:]), Made: time.Now()})
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			return unreachable(err)
		}
	}
}

// sweep removes chunks that no group names: their number is taken by another group.
func (l *Log) sweep(ctx context.Context) error {
	cur, err := l.chunks.Find(ctx, bson.D{}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	lastName, orphan, swept := "", false, 0
	for cur.Next(ctx) {
		var c chunk
		if err := cur.Decode(&c); err != nil {
			return unreachable(err)
		}
		name, _, _ := cutLast(c.ID)
		if name != lastName {
			id, hexID, ok := strings.Cut(name, "/")
			g, err := l.one(ctx, l.commits, id, headFields)
			if err != nil {
				return unreachable(err)
			}
			lastName, orphan = name, ok && g != nil && hex.EncodeToString(g.Group.Data) != hexID
		}
		if !orphan {
			continue
		}
		if _, err := l.chunks.DeleteOne(ctx, bson.D{{Key: "_id", Value: c.ID}}); err != nil {
			return unreachable(err)
		}
		swept++
	}
	if swept > 0 {
		l.o.Logger.Info("chunks that no commit names were removed", "chunks", swept)
	}
	return unreachable(cur.Err())
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
