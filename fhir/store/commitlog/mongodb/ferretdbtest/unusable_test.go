package ferretdbtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
)

// put writes a resource and gives the code of the refusal, "" if there was none.
func put(t *testing.T, p *process, id string) string {
	t.Helper()
	status, raw, err := p.put(id, "synthetic")
	if err != nil {
		t.Fatal(err)
	}
	return codeOf(t, status, raw)
}

// get reads it, and gives its status if it is 200 or 404.
func get(t *testing.T, p *process, id string) string {
	t.Helper()
	status, raw, _, err := exchange(http.MethodGet, p.url()+"/Basic/"+id, "")
	if err != nil {
		t.Fatal(err)
	}
	if status == http.StatusNotFound {
		return "404"
	}
	return codeOf(t, status, raw)
}

func codeOf(t *testing.T, status int, raw []byte) string {
	t.Helper()
	switch {
	case status < 300:
		return ""
	case status == http.StatusServiceUnavailable && code(raw) != "":
		return code(raw)
	}
	t.Fatalf("%d %s", status, raw)
	return ""
}

// health gives what /readyz says in a language, "" if the server is ready.
func health(t *testing.T, p *process, language string) string {
	t.Helper()
	status, raw, _, err := exchange(http.MethodGet, strings.TrimSuffix(p.url(), "/fhir")+"/readyz", "", "Accept-Language", language)
	if err != nil {
		p.kill() // and what it says is complete
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	if status == http.StatusOK {
		return ""
	}
	return string(raw)
}

// red waits until the health of a server is red for a reason, and looks at what it says of it.
func red(t *testing.T, p *process, code string, secrets ...string) {
	t.Helper()
	until(t, "/readyz with "+code, func() bool { return strings.Contains(health(t, p, "en"), "not ready: "+code+": ") })
	for language, words := range map[string]string{"en": "The ", "vi": "ật ký"} {
		said := health(t, p, language)
		if !strings.Contains(said, words) || !strings.Contains(said, code) {
			t.Errorf("/readyz in %s: %q", language, said)
		}
		for _, secret := range append(secrets, "127.", "mongodb:", "27017") {
			if strings.Contains(said, secret) {
				t.Errorf("/readyz tells %q: %q", secret, said)
			}
		}
	}
	want := fmt.Sprintf("lienthong_not_ready{code=%q} 1", code)
	until(t, want, func() bool {
		_, figures, _, err := exchange(http.MethodGet, p.figures, "")
		return err == nil && strings.Contains(string(figures), want)
	})
}

func green(t *testing.T, p *process) {
	t.Helper()
	until(t, "a ready server", func() bool { return health(t, p, "en") == "" })
}

// has looks for what a server has and has not.
func has(t *testing.T, p *process, there, gone []string) {
	t.Helper()
	for _, id := range there {
		if said := get(t, p, id); said != "" {
			t.Errorf("DURABLE: %s was acknowledged: %s", id, said)
		}
	}
	for _, id := range gone {
		if said := get(t, p, id); said != "404" {
			t.Errorf("%s is not in this log: %q", id, said)
		}
	}
}

// putAll writes n resources, which must be taken.
func putAll(t *testing.T, p *process, name string, n int) (ids []string) {
	t.Helper()
	for i := range n {
		id := fmt.Sprint(name, "-", i)
		if said := put(t, p, id); said != "" {
			t.Fatalf("%s: %s\n%s", id, said, p.log.String())
		}
		ids = append(ids, id)
	}
	return ids
}

// TestLogRestored: an older backup of the log is put in its place while a server runs. The server refuses everything and its health is
// red, then and at its next starts, and when others have written on; without its folder it serves what the log has.
func TestLogRestored(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run("DURABLE/"+s.Name, func(t *testing.T) { restored(t, s) })
	}
}

func restored(t *testing.T, s Server) {
	ctx := t.Context()
	commits := databaseOf(t, s).Collection("commits")

	p := newProcess(t, s, "--metrics-listen", "127.0.0.1:0")
	kept := putAll(t, p, "kept", 10)
	var last struct {
		ID string `bson:"_id"`
	}
	if err := commits.FindOne(ctx, bson.D{}, mongooptions.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}})).Decode(&last); err != nil {
		t.Fatal(err)
	}
	lost := putAll(t, p, "lost", 10)
	if r, err := commits.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: last.ID}}}}); err != nil || r.DeletedCount == 0 {
		t.Fatal(r, err)
	}
	red(t, p, "log-behind")
	for what, said := range map[string]string{"a write": put(t, p, "new"), "a read": get(t, p, "kept-0"), "a read of what is lost": get(t, p, "lost-0")} {
		if said != "log-behind" {
			t.Errorf("%s: %q", what, said)
		}
	}
	p.end(t) // in order: what is killed may forget what it can read again
	if out := refusesToStart(t, p); !strings.Contains(out, "The log of changes ends at commit") {
		t.Errorf("a start on a log that ends before: %s", out)
	}
	fresh := newProcess(t, s)
	has(t, fresh, kept, lost)
	others := putAll(t, fresh, "other", 40)
	if out := refusesToStart(t, p); !strings.Contains(out, "another history") {
		t.Errorf("a start on a log that went on: %s", out)
	}
	if err := os.Rename(filepath.Join(p.dir, "store"), filepath.Join(p.dir, "store-old")); err != nil {
		t.Fatal(err)
	}
	p.start(t)
	green(t, p)
	has(t, p, append(kept, others...), lost)
}

// refusesToStart starts the server of p, which must end by itself, and gives what it says.
func refusesToStart(t *testing.T, p *process) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, file, p.args...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("it started: %v\n%s", err, out)
	}
	return string(out)
}

// TestLogWithoutPrimary: two of the three members of a set are killed. What is asked is refused in so many words, health is red, and all
// goes on by itself once they are back.
func TestLogWithoutPrimary(t *testing.T) {
	t.Run("DURABLE/replica-set", func(t *testing.T) {
		set := ownSet(t)
		s := set.Server(t)
		p := newProcess(t, s, "--metrics-listen", "127.0.0.1:0", "--log-timeout", "8s")
		before := putAll(t, p, "before", 5)
		primary, err := set.Primary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		primary.Kill()
		for _, m := range set.Members {
			if m != primary {
				m.Kill()
				break
			}
		}
		red(t, p, "log-leaderless")
		for what, said := range map[string]string{"a write": put(t, p, "refused"), "a read": get(t, p, "before-0")} {
			if said != "log-leaderless" {
				t.Errorf("%s: %q", what, said)
			}
		}
		if err := set.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		green(t, p)
		after := putAll(t, p, "after", 5)
		has(t, p, append(before, after...), []string{"refused"})
		has(t, newProcess(t, s), append(before, after...), []string{"refused"})
	})
}

// TestLogDenied: the account of the server loses the right to write, then all rights, and gets them back.
func TestLogDenied(t *testing.T) {
	t.Run("DURABLE/replica-set", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "set.key")
		if err := os.WriteFile(key, []byte("c3ludGhldGljc3ludGhldGljc3ludGhldGlj"), 0o600); err != nil {
			t.Fatal(err)
		}
		set := ownSet(t, "--keyFile", key)
		primary, err := set.Primary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Who comes from this machine may make the first account.
		if err := primary.Command(t.Context(), bson.D{{Key: "createUser", Value: "operator"}, {Key: "pwd", Value: "synthetic-1"}, {Key: "roles", Value: bson.A{"root"}}}, nil); err != nil {
			t.Fatal(err)
		}
		hosts := strings.TrimPrefix(set.URI, "mongodb://")
		operator, err := mongo.Connect(mongooptions.Client().ApplyURI("mongodb://operator:synthetic-1@" + hosts + "?authSource=admin"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = operator.Disconnect(context.WithoutCancel(t.Context())) }()
		say := func(command bson.D) {
			t.Helper()
			if err := operator.Database("admin").RunCommand(t.Context(), command).Err(); err != nil {
				t.Fatal(err)
			}
		}
		const name, user, password = "denied", "log-writer", "synthetic-2"
		may := func(role string) bson.E {
			return bson.E{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: role}, {Key: "db", Value: name}}}}
		}
		say(bson.D{{Key: "createUser", Value: user}, {Key: "pwd", Value: password}, may("readWrite")})
		s := Server{"replica-set", "mongodb://" + user + ":" + password + "@" + hosts + name + "?authSource=admin", false, primary.Addr}
		p := newProcess(t, s, "--metrics-listen", "127.0.0.1:0", "--log-timeout", "8s")
		there := putAll(t, p, "before", 5)

		say(bson.D{{Key: "updateUser", Value: user}, may("read")})
		until(t, "a refusal", func() bool {
			id := fmt.Sprint("while-", len(there))
			said := put(t, p, id)
			if said == "" {
				there = append(there, id)
			}
			return said == "log-denied"
		})
		red(t, p, "log-denied", user, password)
		has(t, p, there, []string{fmt.Sprint("while-", len(there))}) // reads are answered
		say(bson.D{{Key: "updateUser", Value: user}, may("readWrite")})
		green(t, p)
		there = append(there, putAll(t, p, "again", 3)...)

		say(bson.D{{Key: "updateUser", Value: user}, {Key: "roles", Value: bson.A{}}})
		red(t, p, "log-denied", user, password)
		if said := get(t, p, "before-0"); said != "log-denied" {
			t.Errorf("a read without any right: %q", said)
		}
		if out := refusesToStart(t, &process{args: []string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--log", s.URI, "--data", filepath.Join(t.TempDir(), "store"), "--log-timeout", "2s"}}); strings.Contains(out, password) {
			t.Errorf("a start that is denied tells the password: %s", out)
		}
		say(bson.D{{Key: "updateUser", Value: user}, may("readWrite")})
		green(t, p)
		there = append(there, putAll(t, p, "after", 3)...)
		has(t, p, there, nil)
		if strings.Contains(p.log.String(), password) {
			t.Error("the password is in the log of events")
		}
	})
}
