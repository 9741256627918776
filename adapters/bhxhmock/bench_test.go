package bhxhmock_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// BenchmarkClaim takes claims and tells their decisions, fifty in one question, without the line. Making the files is a part of
// it that stands alone too, to be taken off. What counts is the processor time, since whoever waits for a sync takes none.
func BenchmarkClaim(b *testing.B) {
	file := inpatient(b)
	body := func(maLK string) []byte { return request(file(maLK)).Encode() }
	name := func(i int) string { return fmt.Sprintf("51901_2026_%08d", i) }

	b.Run("made", func(b *testing.B) {
		measured(b, func(i int) { body(name(i)) })
	})
	b.Run("read", func(b *testing.B) {
		one := file(name(1))
		measured(b, func(int) {
			if _, fault := bhxhmock.ReadClaim(one, account.Facilities[0]); fault != "" {
				b.Error(fault)
			}
		})
	})
	b.Run("taken", func(b *testing.B) {
		m, err := bhxhmock.New(bhxhmock.Options{Dir: b.TempDir(), Accounts: []bhxhmock.Account{account}, AssessingAfter: 1, AssessedAfter: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		var key wire.APIKey
		post := func(path string, body []byte) []byte {
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			r.Header.Set("Content-Type", wire.FormType)
			r.Header.Set(wire.HeaderAccessToken, key.AccessToken)
			r.Header.Set(wire.HeaderTokenID, key.IDToken)
			r.Header.Set(wire.HeaderPasswordHash, wire.PasswordHash(account.Password))
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, r)
			return w.Body.Bytes()
		}
		paths := wire.DefaultPaths()
		var r wire.TakeReply
		if err := json.Unmarshal(post(paths.Take, []byte(wire.TakeRequest{Username: account.Username, Password: wire.PasswordHash(account.Password)}.Form().Encode())), &r); err != nil {
			b.Fatal(err)
		}
		key = *r.APIKey
		measured(b, func(i int) {
			if got := post(paths.Send3176, body(name(i))); !bytes.Contains(got, []byte(`"200"`)) {
				b.Errorf("%s", got)
			}
			const together = 50
			if i%together != 0 {
				return
			}
			ask := wire.StatusRequest{Username: account.Username, MaCSKCB: account.Facilities[0]}
			for j := i - together; j < i; j++ {
				ask.MaLK = append(ask.MaLK, name(j))
			}
			if got := post(paths.Status, []byte(ask.Form().Encode())); i > 5*together && !strings.Contains(string(got), "dsChiTiet") {
				b.Errorf("%s", got)
			}
		})
	})
}

// measured runs what is measured many times at once, and tells the processor time of each.
func measured(b *testing.B, do func(i int)) {
	var next atomic.Int64
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	before := used()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			do(int(next.Add(1)))
		}
	})
	b.ReportMetric(float64((used()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}
