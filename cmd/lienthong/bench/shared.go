package bench

import (
	"errors"
	"fmt"
)

// crowdOfClients are more than most servers ever have at once.
const crowdOfClients = 1024

// shared measures what a log that servers share costs: the same import, reads by id, searches and summaries of vaccinations against a
// server with the log in its folder and one over Log, which take turns.
func (s *session) shared() error {
	if s.Log == "" {
		return errors.New("--log is not given: the log that a server is to be measured over")
	}
	own, err := startServer(s.ctx, folder(s.dir, "own"))
	if err != nil {
		return err
	}
	defer own.stop()
	over := []string{"--log", s.Log}
	if s.LogSingle {
		over = append(over, "--log-single")
	}
	shared, err := startServer(s.ctx, folder(s.dir, "shared"), over...)
	if err != nil {
		return err
	}
	defer shared.stop()
	sides := []side{{"over the log in the folder", own, nil}, {"over the shared log", shared, nil}}
	if err := s.importBoth(sides); err != nil {
		return err
	}
	if err := s.makeReady(sides, plain); err != nil {
		return err
	}
	if err := s.bringChildren("shared", sides); err != nil {
		return err
	}
	for _, load := range []struct {
		what string
		next func(header map[string]string) func(client, n int) *Request
	}{
		{"reads", plain.read},
		{"searches for vaccinations by citizen ID", vaccinations},
		{"vaccination summaries by citizen ID", summaries},
	} {
		for _, asking := range []int{1, clients, manyClients, crowdOfClients} {
			c := comparison{"shared", fmt.Sprintf("%s, %d clients", load.what, asking), 0, asking}
			if asking > 1 {
				c.limit = 0.8
			}
			if err := s.compare(c, sides, s.Duration, load.next); err != nil {
				return err
			}
		}
	}
	return nil
}

// importBoth sends the Synthea bundles to each side.
func (s *session) importBoth(sides []side) error {
	var rates []float64
	for _, side := range sides {
		patients, took, err := s.send(side.server.base)
		if err != nil {
			return err
		}
		rates = append(rates, s.importRow("shared", "import "+side.name, patients, took, 0))
	}
	s.report.add(Row{Workload: "shared", Figure: "import " + sides[1].name + ", share of that " + sides[0].name, Value: rates[1] / rates[0], Unit: "ratio", Limit: 0.5})
	return nil
}
