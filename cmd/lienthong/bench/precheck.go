package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/precheck"
	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
)

// precheckEpisodes is how many claims the limit is about.
const precheckEpisodes = 10_000

// precheck measures the pre-check of one claim file with many invented episodes, from the disk, as the command does it.
func (s *session) precheck() error {
	path := filepath.Join(s.dir, "claims.xml")
	size, err := claimFile(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	debug.FreeOSMemory() // what writing the file took
	peak := watchHeap(50 * time.Millisecond)
	start := time.Now()
	n, err := precheck.Run(s.ctx, f, precheck.Options{Check: hoso.CheckOptions{Now: time.Now()}}, &precheck.Past{}, func(x hoso.Finding) error {
		return fmt.Errorf("a sound file has a finding: %s %s", x.Rule, x.Path())
	})
	took, heap := time.Since(start), peak()
	if err != nil {
		return err
	}
	if n.Episodes != precheckEpisodes {
		return fmt.Errorf("%d episodes were checked", n.Episodes)
	}
	s.report.add(Row{Workload: "precheck", Figure: fmt.Sprintf("%d claims in one file, all rules", n.Episodes), Value: took.Seconds(), Unit: "s", Limit: 10, AtMost: true,
		Note: fmt.Sprintf("%.0f claims/s, %.0f MB, %d workers", float64(n.Episodes)/took.Seconds(), float64(size)/1e6, runtime.GOMAXPROCS(0))})
	s.report.add(Row{Workload: "precheck", Figure: "heap at its peak meanwhile", Value: float64(heap) / 1e6, Unit: "MB", Limit: 200, AtMost: true})
	return nil
}

// watchHeap looks at the heap in use every so often; the function that it gives ends that and tells the largest.
func watchHeap(every time.Duration) func() uint64 {
	end, peak := make(chan struct{}), make(chan uint64)
	go func() { // ends with the function below
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		most := uint64(0)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-ticks.C:
			case <-end:
				peak <- most
				return
			}
		}
	}()
	return func() uint64 {
		close(end)
		return <-peak
	}
}

// claimFile writes a file of invented claims.
func claimFile(path string) (size int, err error) {
	p := synthetic.New(synthetic.Config{Citizens: 3 * precheckEpisodes / 2, Seed: 1, Today: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), SID: "https://lienthong.example/sid/"})
	if len(p.Episodes) == 0 {
		return 0, fmt.Errorf("the population has no episodes")
	}
	f := hoso.File{MaCSKCB: "51901", NgayLap: "20260331"}
	for i := 0; len(f.HoSo) < precheckEpisodes; i++ {
		h := p.Episodes[i%len(p.Episodes)].HoSo
		if h.MaCSKCB() != f.MaCSKCB {
			h = moved(h, f.MaCSKCB)
		}
		if i >= len(p.Episodes) {
			h = renamed(h, fmt.Sprintf("%s-%d", h.MaLK(), i/len(p.Episodes)))
		}
		f.HoSo = append(f.HoSo, h)
	}
	raw := f.Encode()
	return len(raw), os.WriteFile(path, raw, 0o600)
}

// moved lets an episode have been at another facility.
func moved(h hoso.HoSo, maCSKCB string) hoso.HoSo {
	h = renamed(h, h.MaLK())
	x := h.XML1()
	if x.Get("MA_DKBD") == x.Get("MA_CSKCB") {
		x.Set("MA_DKBD", maCSKCB)
	}
	x.Set("MA_CSKCB", maCSKCB)
	return h
}

// renamed copies an episode under another MA_LK.
func renamed(h hoso.HoSo, maLK string) hoso.HoSo {
	var out hoso.HoSo
	for _, t := range h.Tables {
		table := hoso.Table{Layout: t.Layout}
		for _, r := range t.Rows {
			row := table.Add()
			copy(row.Values(), r.Values())
			row.Set("MA_LK", maLK)
		}
		out.Tables = append(out.Tables, table)
	}
	return out
}
