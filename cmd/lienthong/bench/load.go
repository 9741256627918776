package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lienthong/lienthong/fhir"
)

// Request is one request of a load. Body may be nil.
type Request struct {
	Method string
	Path   string // below the FHIR base, such as "Patient/p1"
	Body   []byte
	Header map[string]string
	Want   func(status int) bool // nil = any 2xx
	Read   func(status int, header http.Header, body []byte)
}

// Load is how a workload's requests are sent.
type Load struct {
	Clients  int
	Duration time.Duration // ends after this time; 0 = when Next says so
	// Rate is the number of requests to begin in a second, 0 = as fast as the clients can. With a rate a latency counts from
	// the moment at which the request was due, so that a stalled server cannot hide behind a waiting client
	// (coordinated omission).
	Rate int
	// Next gives the request number i of a client; nil ends this client.
	Next func(client, i int) *Request
}

// Result is what a load measured.
type Result struct {
	Requests int
	Errors   map[string]int // by kind, such as "HTTP 500" or "connection"
	Elapsed  time.Duration
	Latency  *hdrhistogram.Histogram // microseconds
}

// PerSecond is the rate of successful requests.
func (r Result) PerSecond() float64 {
	failed := 0
	for _, n := range r.Errors {
		failed += n
	}
	return float64(r.Requests-failed) / r.Elapsed.Seconds()
}

// Quantile gives a latency quantile (0 to 100) in milliseconds.
func (r Result) Quantile(q float64) float64 { return float64(r.Latency.ValueAtQuantile(q)) / 1000 }

// ErrorText lists errors by kind, or "none".
func (r Result) ErrorText() string {
	if len(r.Errors) == 0 {
		return "none"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(r.Errors)) {
		parts = append(parts, fmt.Sprintf("%s: %d", k, r.Errors[k]))
	}
	return strings.Join(parts, ", ")
}

// newHTTPClient keeps one connection for each client of a load.
func newHTTPClient(clients int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			MaxIdleConns:        clients,
			MaxIdleConnsPerHost: clients,
			DisableCompression:  true,
			ReadBufferSize:      16 << 10,
		},
		Timeout: 5 * time.Minute,
	}
}

// Run sends the load to base and waits for its end.
func (l Load) Run(ctx context.Context, base string) Result {
	if l.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Duration)
		defer cancel()
	}
	httpClient := newHTTPClient(l.Clients)
	defer httpClient.CloseIdleConnections()
	var (
		mu    sync.Mutex // guards total; never held during a request
		total = Result{Errors: map[string]int{}, Latency: newHistogram()}
		wg    sync.WaitGroup
		due   atomic.Int64
	)
	start := time.Now()
	for client := range l.Clients {
		wg.Go(func() {
			mine := Result{Errors: map[string]int{}, Latency: newHistogram()}
			var buf bytes.Buffer
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				if l.Rate > 0 {
					n := due.Add(1) - 1
					began = start.Add(time.Duration(n) * time.Second / time.Duration(l.Rate))
					if !sleepUntil(ctx, began) {
						break
					}
				}
				req := l.Next(client, i)
				if req == nil {
					break
				}
				kind := send(ctx, httpClient, base, req, &buf)
				if ctx.Err() != nil && kind != "" {
					break // cut off by the end of the run, not refused by the server
				}
				mine.Requests++
				if kind != "" {
					mine.Errors[kind]++
				}
				_ = mine.Latency.RecordValue(max(1, time.Since(began).Microseconds()))
			}
			mu.Lock()
			defer mu.Unlock()
			total.Requests += mine.Requests
			for k, n := range mine.Errors {
				total.Errors[k] += n
			}
			total.Latency.Merge(mine.Latency)
		})
	}
	wg.Wait()
	total.Elapsed = time.Since(start)
	return total
}

// newHistogram holds 1 microsecond to 10 minutes at three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 600_000_000, 3) }

// sleepUntil waits for t; false means that ctx ended first.
func sleepUntil(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	return d <= 0 || fhir.Pause(ctx, d)
}

// send sends one request and gives the kind of its failure, "" for success.
func send(ctx context.Context, c *http.Client, base string, r *Request, buf *bytes.Buffer) string {
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	url := base
	if r.Path != "" {
		url += "/" + r.Path
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, url, body)
	if err != nil {
		return "request"
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "connection"
	}
	defer resp.Body.Close()
	if r.Read == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		buf.Reset()
		_, err = buf.ReadFrom(resp.Body)
	}
	if err != nil {
		return "connection"
	}
	ok := resp.StatusCode/100 == 2
	if r.Want != nil {
		ok = r.Want(resp.StatusCode)
	}
	if r.Read != nil {
		r.Read(resp.StatusCode, resp.Header, buf.Bytes())
	}
	if !ok {
		return fmt.Sprintf("HTTP %d", resp.StatusCode)
	}
	return ""
}
