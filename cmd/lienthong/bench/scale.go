package bench

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// scaleOf is how many times the smallest amount of data is there when the mix is measured.
var scaleOf = [...]int{1, 8, 64}

// scale measures each kind of the search mix with 1, 8 and 64 times the patients: the slope. One time is an eighth of the
// Synthea patients; the values asked for are those of these patients throughout.
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
	medians := make([][len(scaleOf)]float64, len(mix))
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
		s.settle()
		if people == nil {
			var err error
			if people, err = s.samples(); err != nil {
				return err
			}
		}
		s.report.load("scale", fmt.Sprintf("the mix, %d clients, %d x %d patients", clients, times, len(s.loaded)), Load{Clients: clients, Duration: s.Duration, Next: mixOf(mix, people)}.Run(s.ctx, s.base), 0)
		for k, m := range mix {
			medians[k][level] = Load{Clients: 4, Duration: s.Duration / 5, Next: func(client, i int) *Request {
				return &Request{Method: http.MethodGet, Path: m.path(people[(client*31+i)%len(people)])}
			}}.Run(s.ctx, s.base).Quantile(50)
		}
	}
	for k, m := range mix {
		at := medians[k]
		s.report.add(Row{Workload: "scale", Figure: m.name, Value: at[len(at)-1] / at[0], Unit: "ratio", Limit: 2, AtMost: true,
			Note: fmt.Sprintf("medians %.2f, %.2f, %.2f ms with %d, %d, %d times the patients, 4 clients", at[0], at[1], at[2], scaleOf[0], scaleOf[1], scaleOf[2])})
	}
	return nil
}
