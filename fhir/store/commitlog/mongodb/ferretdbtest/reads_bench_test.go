package ferretdbtest

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb"
)

// asked counts the questions for the head.
type asked struct {
	*mongodb.Log
	n atomic.Int64
}

func (l *asked) Head(ctx context.Context) (fhir.T, error) {
	l.n.Add(1)
	return l.Log.Head(ctx)
}

// BenchmarkReadsOfNow tells what reads of now cost by processor time: of this process (driver, engine, and FerretDB where that is the
// log), and of the members of a set, beside those over the log in the folder. Readers are 1, 8, 64 and 256 at once.
func BenchmarkReadsOfNow(b *testing.B) {
	bundles, _ := corpus(b)
	b.Run("embedded", func(b *testing.B) { readsOfNow(b, nil, nil, bundles[0]) })
	for _, s := range Servers(b) {
		b.Run(s.Name, func(b *testing.B) {
			l := &asked{Log: open(b, s.With(""), nil)}
			defer l.Close()
			var set *Set
			if !s.Single && os.Getenv(Mongod) != "" {
				set = realSet(b)
			}
			readsOfNow(b, l, set, bundles[0])
		})
	}
}

// readsOfNow reads over a log, nil for that of the folder; set is what keeps it, if its processor time can be had.
func readsOfNow(b *testing.B, l *asked, set *Set, bundle store.Changes) {
	var log commitlog.Log
	if l != nil {
		log = l
	}
	e := openOver(b, log)
	defer e.Close()
	ctx := ours(b.Context())
	if _, err := e.Commit(ctx, bundle); err != nil {
		b.Fatal(err)
	}
	for _, readers := range []int{1, 8, 64, 256} {
		b.Run(strconv.Itoa(readers), func(b *testing.B) {
			var before int64
			var theirs time.Duration
			if l != nil {
				before = l.n.Load()
			}
			if set != nil {
				theirs = set.processorTime(b)
			}
			own := ownTime(b)
			took := together(readers, b.N, func(i int) error {
				_, err := e.Read(ctx, bundle.Puts[i%len(bundle.Puts)].Key, 0)
				return err
			}, b)
			b.ReportMetric(float64(b.N)/took.Seconds(), "reads/s")
			b.ReportMetric(float64((ownTime(b)-own).Microseconds())/float64(b.N), "own-cpu-us/read")
			if set != nil {
				b.ReportMetric(float64((set.processorTime(b)-theirs).Microseconds())/float64(b.N), "mongod-cpu-us/read")
			}
			if l != nil {
				b.ReportMetric(float64(b.N)/float64(max(1, l.n.Load()-before)), "reads/question")
			}
		})
	}
}

// realSet gives the replica set that benchmarks share; without one they are skipped.
func realSet(b *testing.B) *Set {
	if os.Getenv(Mongod) == "" {
		b.Skip(Mongod + " is not set")
	}
	Servers(b)
	set, err := sharedSet()
	if err != nil {
		b.Fatal(err)
	}
	return set
}

func ownTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processorTime gives what all members have used, of /proc.
func (s *Set) processorTime(tb testing.TB) (sum time.Duration) {
	for _, m := range s.Members {
		m.mu.Lock()
		pid := m.cmd.Process.Pid
		m.mu.Unlock()
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			tb.Skip(err)
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		for _, f := range fields[11:13] { // utime, stime in hundredths of a second
			ticks, _ := strconv.ParseInt(f, 10, 64)
			sum += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return sum
}
