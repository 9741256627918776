package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/gin-gonic/gin"
)

// BareOptions are the flags of the hidden command "bench-bare": a handler that only answers with fixed bytes.
type BareOptions struct {
	Kind   string `enum:"gin,nethttp" default:"gin" help:"Router: gin or nethttp."`
	Answer string `required:"" help:"File with the bytes of each answer."`
	Info   string `required:"" help:"File to write the base URL to."`
}

// ServeBare answers until ctx ends. It is what a server on the same router could reach at most.
func ServeBare(ctx context.Context, o BareOptions) error {
	answer, err := os.ReadFile(o.Answer)
	if err != nil {
		return err
	}
	// A handler without a heap collects garbage all the time at the default setting; the server under test has caches, so
	// its heap lets it wait longer. With this both collect about as often, and the comparison is one of handlers.
	debug.SetGCPercent(2000)
	const contentType = "application/fhir+json; charset=utf-8"
	var handler http.Handler
	if o.Kind == "gin" {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.GET("/fhir/:type/:id", func(c *gin.Context) { c.Data(http.StatusOK, contentType, answer) })
		handler = engine
	} else {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /fhir/{type}/{id}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(answer)
		})
		handler = mux
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]string{"fhir": fmt.Sprintf("http://%s/fhir", ln.Addr())})
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.Info, info, 0o600); err != nil {
		return err
	}
	srv := &http.Server{Handler: handler}
	go func() { <-ctx.Done(); _ = srv.Close() }()
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}
