package ferretdbtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
	"github.com/lienthong/lienthong/fhir/store/engine"
)

// ownSet starts a set that the test may harm.
func ownSet(t *testing.T, more ...string) *Set {
	t.Helper()
	program := os.Getenv(Mongod)
	if program == "" {
		t.Skipf("SKIPPED: %s is not set, so there is no replica set whose members could be killed", Mongod)
	}
	s, err := StartSet(program, t.TempDir(), Harmed, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// troubles are what is done to a set while clients work.
var troubles = map[string]func(ctx context.Context, s *Set) error{
	"killed": func(ctx context.Context, s *Set) error {
		m, err := s.Primary(ctx)
		if err != nil {
			return err
		}
		m.Kill()
		wait(ctx, 300*time.Millisecond)
		return s.Ready(ctx)
	},
	"steps-down": func(ctx context.Context, s *Set) error {
		if err := s.StepDown(ctx); err != nil {
			return err
		}
		_, err := s.Primary(ctx)
		return err
	},
	"stands-still": func(ctx context.Context, s *Set) error {
		m, err := s.Primary(ctx)
		if err != nil {
			return err
		}
		m.Halt()
		wait(ctx, 2500*time.Millisecond) // another one is elected meanwhile
		m.Continue()                     // and takes itself for the primary for a moment
		return s.Ready(ctx)
	},
	"majority-killed": func(ctx context.Context, s *Set) error {
		s.Members[0].Kill()
		s.Members[2].Kill()
		wait(ctx, 500*time.Millisecond)
		return s.Ready(ctx)
	},
}

// TestPrimaryLost: three servers on a set whose primary is killed, steps down or stands still again and again. Their
// clients' history is linearizable, and all servers come to the same rows.
func TestPrimaryLost(t *testing.T) {
	for _, name := range []string{"killed", "steps-down", "stands-still", "majority-killed"} {
		t.Run("EXACT/replica-set/primary-"+name, func(t *testing.T) { primaryLost(t, troubles[name]) })
	}
}

func primaryLost(t *testing.T, harm func(context.Context, *Set) error) {
	set := ownSet(t)
	s := set.Server(t)
	n := seed(t)
	var servers []*engine.Engine
	for range 3 {
		l := open(t, s, func(c *mongodb.Config) { c.Timeout = 20 * time.Second })
		e, err := engine.Open(t.TempDir(), options(l))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(e.Close(), l.Close()); err != nil {
				t.Error(err)
			}
		})
		servers = append(servers, e)
	}
	r := &recorder{began: time.Now()}
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for c := range 6 {
		own := rand.New(rand.NewPCG(n, uint64(10+c)))
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				in := step{Register: fmt.Sprint("r", own.IntN(4)), Kind: stepKind(own.IntN(3)), Value: 1 + c*100_000 + i}
				e := servers[own.IntN(len(servers))]
				if in.Kind == casStep {
					v := step{Register: in.Register}.run(ctx, t, e)
					if v.Unknown {
						continue
					}
					in.Expect = v.Value
				}
				r.do(c, in, func() seen { return in.run(context.WithoutCancel(ctx), t, e) })
				wait(ctx, time.Duration(own.IntN(20))*time.Millisecond)
			}
		})
	}
	limit, end := context.WithTimeout(ctx, 3*time.Minute)
	defer end()
	for range rounds {
		wait(ctx, 700*time.Millisecond)
		if err := harm(limit, set); err != nil {
			t.Error(err)
			break
		}
	}
	wait(ctx, time.Second)
	stop()
	clients.Wait()
	r.check(t)
	same(t, servers)
}

// same compares servers: heads, and the state of each with the log.
func same(t *testing.T, servers []*engine.Engine) {
	t.Helper()
	var heads []fhir.T
	for _, e := range servers {
		h, err := e.Head(ours(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
		if err := e.Verify(ours(t.Context())); err != nil {
			t.Errorf("the state does not follow from the log: %v", err)
		}
	}
	for _, h := range heads {
		if h != heads[0] {
			t.Errorf("FRESH: heads %v", heads)
		}
	}
}

// TestStalePrimary: a primary that stood still while another one was elected still thinks that it is the primary. What it
// has is older than what was acknowledged: its answer to the question for the head must not be believed.
func TestStalePrimary(t *testing.T) {
	t.Run("FRESH/replica-set", func(t *testing.T) {
		set := ownSet(t)
		s := set.Server(t)
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
		defer stop()
		for round := range 2 {
			old, err := set.Primary(ctx)
			if err != nil {
				t.Fatal(err)
			}
			// One server that knows only the old primary, as a driver does that has not heard of the election.
			name := s.URI[strings.LastIndex(s.URI, "/")+1:]
			behind := open(t, Server{s.Name, "mongodb://" + old.Addr + "/" + name + "?directConnection=true", false, ""}, func(c *mongodb.Config) { c.Timeout = 30 * time.Second })
			l := open(t, s, func(c *mongodb.Config) { c.Timeout = time.Minute })
			before, err := behind.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			old.Halt()
			if _, err := set.Primary(ctx); err != nil { // another one: the old one does not answer
				t.Fatal(err)
			}
			if _, err := l.Append(ctx, before, []commitlog.Commit{{ID: commitlog.ID{byte(round), 1}, At: 5}}); err != nil {
				t.Fatal(err)
			}
			asking, enough := context.WithTimeout(ctx, 6*time.Second)
			answered := make(chan struct{})
			go func() { // the question is on its way when the old primary wakes up
				defer close(answered)
				for asking.Err() == nil {
					if h, err := behind.Head(asking); err == nil {
						if h <= before {
							t.Errorf("FRESH: the old primary says %d, %d was acknowledged before", h, before+1)
						}
						return // else it says nothing, which is right for a member that stays secondary
					}
				}
			}()
			wait(ctx, 50*time.Millisecond)
			old.Continue()
			<-answered
			enough()
			if err := set.Ready(ctx); err != nil {
				t.Fatal(err)
			}
			_ = behind.Close()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestWithoutMajority: one member of three is left. Nothing is acknowledged, reads are refused, and when the others are
// back it goes on; what had no answer is in the log once or not at all.
func TestWithoutMajority(t *testing.T) {
	t.Run("DURABLE/replica-set", func(t *testing.T) {
		set := ownSet(t)
		s := set.Server(t)
		l := open(t, s, func(c *mongodb.Config) { c.Timeout = 2 * time.Second })
		defer l.Close()
		e, err := engine.Open(t.TempDir(), options(l))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		commit := func(i int) error {
			_, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{sample("a", i)}})
			return err
		}
		if err := commit(1); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		p, err := set.Primary(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range set.Members {
			if m != p {
				m.Kill()
			}
		}
		for i := range 2 {
			err := commit(2 + i)
			refused, _ := errors.AsType[*fhir.Error](err)
			if refused == nil || refused.Kind != fhir.Unavailable || !slices.Contains([]string{"log-unknown", "log-unreachable", "log-leaderless"}, refused.Code) {
				t.Fatalf("without a majority: %v", err)
			}
		}
		if _, err := e.Read(ours(t.Context()), fhir.Key{Type: "Patient", ID: "a"}, 0); err == nil {
			t.Error("FRESH: a read was answered without a majority")
		}
		if err := set.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); ; {
			if err := commit(9); err == nil {
				break
			} else if time.Since(began) > time.Minute {
				t.Fatalf("the majority is back: %v", err)
			}
		}
		same(t, []*engine.Engine{e})
		ids := map[commitlog.ID]bool{}
		for c, err := range l.Read(t.Context(), 0) {
			if err != nil || ids[c.ID] {
				t.Fatalf("EXACT: commit %d: %v, twice: %v", c.T, err, ids[c.ID])
			}
			ids[c.ID] = true
		}
	})
}

// TestPutBack: the log is replaced by an older copy of itself while a server runs. The server stops answering and says why.
func TestPutBack(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("FRESH/"+s.Name, func(t *testing.T) {
			l := open(t, s, nil)
			defer l.Close()
			e, err := engine.Open(t.TempDir(), options(l))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for i := range 6 {
				if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{sample("a", i+1)}}); err != nil {
					t.Fatal(err)
				}
			}
			remove(t, s, 5, 6) // each commit is a group of its own: nobody else wrote
			for began := time.Now(); ; {
				_, err := e.Read(ours(t.Context()), fhir.Key{Type: "Patient", ID: "a"}, 0)
				refused, _ := errors.AsType[*fhir.Error](err)
				if refused != nil && refused.Code == "log-behind" {
					break
				}
				if time.Since(began) > 10*time.Second {
					t.Fatalf("the log went back to commit 4: %v", err)
				}
			}
			if _, err := e.Commit(ours(t.Context()), store.Changes{Puts: []store.Put{sample("a", 9)}}); err == nil {
				t.Error("a commit was taken on a log that went back")
			}
			if _, err := e.Head(ours(t.Context())); err == nil {
				t.Error("/readyz, which asks for the head, would be green")
			}
		})
	}
}

// TestRights: what a user without rights to write gets told, at the start and when the rights are taken away.
func TestRights(t *testing.T) {
	t.Run("ATOMIC/replica-set", func(t *testing.T) {
		if os.Getenv(Mongod) == "" {
			ownSet(t)
		}
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, []byte("notasecretbutakeyofatest"), 0o600); err != nil {
			t.Fatal(err)
		}
		set := ownSet(t, "--keyFile", key)
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		p, err := set.Primary(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Command(ctx, bson.D{{Key: "createUser", Value: "root"}, {Key: "pwd", Value: "r"}, {Key: "roles", Value: bson.A{"root"}}}, nil); err != nil {
			t.Fatal(err)
		}
		name := database()
		admin, err := mongo.Connect(mongooptions.Client().ApplyURI(strings.Replace(set.URI, "//", "//root:r@", 1) + "?authSource=admin"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = admin.Disconnect(context.Background()) }()
		as := func(user, role string) Server {
			if err := admin.Database(name).RunCommand(ctx, bson.D{{Key: "createUser", Value: user}, {Key: "pwd", Value: "p"}, {Key: "roles", Value: bson.A{role}}}).Err(); err != nil {
				t.Fatal(err)
			}
			return Server{"replica-set", strings.Replace(inDatabase(set.URI, name), "//", "//"+user+":p@", 1), false, ""}
		}
		reader, writer := as("reader", "read"), as("writer", "readWrite")
		if l, err := mongodb.Open(ctx, mongodb.Config{URI: reader.URI, Timeout: 4 * time.Second}); err == nil {
			t.Error("a log was made with the right to read alone")
			_ = l.Close()
		} else if strings.Contains(err.Error(), ":p@") {
			t.Errorf("the password is shown: %v", err)
		}
		l := open(t, writer, func(c *mongodb.Config) { c.Timeout = 4 * time.Second })
		defer l.Close()
		if _, err := l.Append(ctx, 0, []commitlog.Commit{{ID: commitlog.ID{1}, At: 5}}); err != nil {
			t.Fatal(err)
		}
		if err := admin.Database(name).RunCommand(ctx, bson.D{{Key: "updateUser", Value: "writer"}, {Key: "roles", Value: bson.A{"read"}}}).Err(); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); ; {
			h, err := l.Head(ctx)
			if err != nil {
				t.Fatalf("the head cannot be read with the right to read: %v", err)
			}
			_, err = l.Append(ctx, h, []commitlog.Commit{{ID: commitlog.ID{2, byte(h)}, At: 5}})
			if errors.Is(err, commitlog.ErrUnreachable) && strings.Contains(err.Error(), "not authorized") {
				break
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("without the right to write: %v", err)
			}
		}
	})
}
