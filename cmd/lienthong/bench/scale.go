package bench

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
)

// scaleOf is how many times the smallest amount of data is there when the mix is measured.
var scaleOf = [...]int{1, 8, 64}

// scale measures the search mix with 1, 8 and 64 times the patients: the slope, of the whole and of each kind. One time is an eighth
// of the Synthea patients; the values asked for are those of these patients throughout.
func (s *session) scale() error {
	if s.Target != "" {
		return nil // it would be filled
	}
	s.end()
	s.base = ""
	own := *s
	own.dir = filepath.Join(s.dir, "scale")
	own.server, own.base = nil, ""
	if err := os.MkdirAll(own.dir, 0o700); err != nil {
		return err
	}
	first, patients, err := loadSynthea(s.Synthea)
	if err != nil {
		return err
	}
	if own.server, err = startServer(s.ctx, own.dir); err != nil {
		return err
	}
	defer own.end()
	own.base = own.server.base
	for _, b := range first {
		if res := post(s.ctx, own.base, 1, []bundle{b}); len(res.Errors) > 0 {
			return fmt.Errorf("%s: %s", b.name, res.ErrorText())
		}
	}
	own.loaded = patients[:max(1, len(patients)/8)]
	return own.slope()
}

func (s *session) slope() error {
	mix := searchMix()
	var whole [len(scaleOf)]float64
	medians, pages := make([][len(scaleOf)]float64, len(mix)), make([][len(scaleOf)]float64, len(mix))
	var people []sample
	there := 0
	for level, times := range scaleOf {
		for ; there < times; there++ {
			var more []bundle
			for _, b := range s.loaded {
				more = append(more, b.copyOf(there))
			}
			if res := post(s.ctx, s.base, s.Senders, more); len(res.Errors) > 0 {
				return fmt.Errorf("copy %d: %s", there, res.ErrorText())
			}
		}
		s.settle(resting)
		if people == nil {
			var err error
			if people, err = s.samples(); err != nil {
				return err
			}
		}
		used := s.processorTime("scale", fmt.Sprintf(", %d x", times))
		res := Load{Clients: clients, Duration: s.Duration, Next: mixOf(mix, people)}.Run(s.ctx, s.base)
		s.report.load("scale", fmt.Sprintf("the mix, %d clients, %d x %d patients", clients, times, len(s.loaded)), res, 0)
		used(res)
		whole[level] = res.Quantile(50)
		for k, m := range mix {
			var bytes atomic.Int64
			res := Load{Clients: 4, Duration: s.Duration / 5, Next: func(client, i int) *Request {
				return &Request{Method: http.MethodGet, Path: m.path(people[(client*31+i)%len(people)]), Read: func(_ int, _ http.Header, body []byte) { bytes.Add(int64(len(body))) }}
			}}.Run(s.ctx, s.base)
			medians[k][level], pages[k][level] = res.Quantile(50), float64(bytes.Load())/float64(max(1, res.Requests))/1000
		}
	}
	s.report.add(slopeRow(fmt.Sprintf("the mix, %d clients", clients), whole, 2))
	for k, m := range mix {
		row, size := slopeRow(m.name, medians[k], 2), pages[k]
		if row.Note += ", 4 clients"; size[len(size)-1] > 1.5*size[0] {
			row.Limit = 0 // there is more to show
			row.Note += fmt.Sprintf("; its page grows: %.0f, %.0f, %.0f kB", size[0], size[1], size[2])
		}
		s.report.add(row)
	}
	return nil
}

// slopeRow says how many times the median is with the most patients what it is with the fewest.
func slopeRow(what string, at [len(scaleOf)]float64, limit float64) Row {
	return Row{Workload: "scale", Figure: what, Value: at[len(at)-1] / at[0], Unit: "ratio", Limit: limit, AtMost: true,
		Note: fmt.Sprintf("medians %.2f, %.2f, %.2f ms with %d, %d, %d times the patients", at[0], at[1], at[2], scaleOf[0], scaleOf[1], scaleOf[2])}
}
