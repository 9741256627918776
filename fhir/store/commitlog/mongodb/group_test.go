package mongodb

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// TestGroupSurvivesItsDocument: with and without packing and chunks; a byte that changed is seen.
func TestGroupSurvivesItsDocument(t *testing.T) {
	var commits []commitlog.Commit
	for i := range 30 {
		commits = append(commits, commitlog.Commit{ID: commitlog.ID{byte(i), 1}, T: fhir.T(8 + i), At: fhir.Instant(i), Writes: []commitlog.Write{
			{Key: fhir.Key{Type: "Patient", ID: fhir.ID(fmt.Sprint(i))}, Version: 1, Method: 1, Document: []byte(fmt.Sprint("document ", i))},
		}})
		for _, inline := range []int{inlineMost, 100} {
			g, chunks := pack(7, commits, inline)
			body := g.Body.Data
			for j, c := range chunks {
				if c.ID != g.chunkKey(j) || len(c.Body.Data) > inline {
					t.Fatalf("chunk %d is %s with %d bytes", j, c.ID, len(c.Body.Data))
				}
				body = append(body, c.Body.Data...)
			}
			if len(chunks) != int(g.Chunks) || g.ID != "0000000000000008" {
				t.Fatalf("%d chunks of %+v", len(chunks), g)
			}
			got, err := g.unpack(body)
			if err != nil || !reflect.DeepEqual(got, commits) {
				t.Fatalf("LOSSLESS: %v", err)
			}
			body[len(body)/2] ^= 1
			if _, err := g.unpack(body); err == nil {
				t.Fatal("a changed byte was not seen")
			}
		}
	}
}

// FuzzUnpack feeds documents that no append made.
func FuzzUnpack(f *testing.F) {
	g, _ := pack(7, []commitlog.Commit{{ID: commitlog.ID{1}, At: 5}}, inlineMost)
	raw, err := bson.Marshal(g)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var g group
		if bson.Unmarshal(raw, &g) != nil {
			return
		}
		commits, err := g.unpack(g.Body.Data)
		if err == nil && len(commits) != int(g.N) {
			t.Fatalf("%d commits of %d", len(commits), g.N)
		}
	})
}

// TestOutcomes: only what certainly did not happen may be told so.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want outcome
	}{
		{topology.ServerSelectionError{}, unsent},
		{topology.WaitQueueTimeoutError{}, unsent},
		{fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), unsent},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, unknown},
		{&net.OpError{Op: "write", Err: errors.New("broken pipe")}, unknown},
		{mongo.CommandError{Labels: []string{"NetworkError"}}, unknown},
		{mongo.CommandError{Code: 11602, Labels: []string{"RetryableWriteError"}}, unknown},
		{mongo.CommandError{Code: 50, Name: "MaxTimeMSExpired"}, unknown},
		{mongo.CommandError{Code: 13, Name: "Unauthorized"}, refused},
		{mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 14031}}}, refused},
		{mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, unknown},
		{errors.New("anything else"), unknown},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}
