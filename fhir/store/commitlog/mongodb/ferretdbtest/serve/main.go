// Command serve starts a MongoDB log, runs a command beside it and ends both:
//
//	go run -mod=mod ./serve -- go test ./...                                    FerretDB, in the root of the project
//	LIENTHONG_MONGOD=/usr/bin/mongod go run -mod=mod ./serve -log replica-set -- go test ./fhir/...
//	LIENTHONG_MONGOD=/usr/bin/mongod go run -mod=mod ./serve -log replica-set -here -- go test -json . | go run -mod=mod ./promises
//
// The command finds the log in LIENTHONG_TEST_LOG: the address without a database. Where the log is one server and no set,
// LIENTHONG_LOG_SINGLE says so to the server program. -driver v2.1.0 has everything built with that release of the driver, for
// servers older than those that the project's own one takes. A signal that ends serve ends the command first, and leaves no files.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lienthong/lienthong/fhir/store/commitlog/mongodb/ferretdbtest"
)

// nestedModfile is the environment variable with the go.mod that serve itself was built by, because of -driver.
const nestedModfile = "LIENTHONG_TEST_SERVE_MODFILE"

func main() {
	kind := flag.String("log", "ferretdb", "ferretdb, or replica-set: three of the mongod that "+ferretdbtest.Mongod+" names")
	driver := flag.String("driver", "", "release of the driver to build with, instead of that of go.mod")
	here := flag.Bool("here", false, "run the command in this module, which starts logs by itself, instead of the root of the project")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, *kind, *driver, *here, flag.Args()); err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			os.Exit(ended.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind, driver string, here bool, args []string) error {
	if len(args) == 0 {
		return errors.New("no command is given, as in serve -- go test")
	}
	nested, err := os.Getwd()
	if err != nil {
		return err
	}
	root := filepath.Join(nested, "..", "..", "..", "..", "..")
	if _, err := os.Stat(filepath.Join(nested, "serve")); err != nil {
		return errors.New("it must be started in its own module, fhir/store/commitlog/mongodb/ferretdbtest")
	}
	dir, err := os.MkdirTemp("", "lienthong-log-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	cmd := command(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Dir, cmd.Env = root, os.Environ()
	if here {
		cmd.Dir = nested
	}
	if driver != "" {
		files := map[string]string{}
		for _, at := range []string{root, nested} {
			if files[at], err = modfile(dir, at, driver); err != nil {
				return err
			}
		}
		own := command(ctx, "go", append([]string{"run", "-mod=mod", "-modfile=" + files[nested], "./serve", "-log", kind, fmt.Sprint("-here=", here), "--"}, args...)...)
		own.Stdin, own.Stdout, own.Stderr, own.Dir = os.Stdin, os.Stdout, os.Stderr, nested
		own.Env = append(os.Environ(), ferretdbtest.Modfile+"="+files[root], nestedModfile+"="+files[nested])
		return own.Run()
	}
	if file := os.Getenv(nestedModfile); here && file != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod -modfile="+file)
	} else if file := os.Getenv(ferretdbtest.Modfile); file != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod -modfile="+file)
	}
	if here {
		return cmd.Run()
	}
	var uri string
	switch kind {
	case "ferretdb":
		var stop func()
		if uri, stop, err = ferretdbtest.StartFerret(dir); err != nil {
			return err
		}
		defer stop()
		cmd.Env = append(cmd.Env, "LIENTHONG_LOG_SINGLE=true")
	case "replica-set":
		program := os.Getenv(ferretdbtest.Mongod)
		if program == "" {
			return fmt.Errorf("%s must be the path of mongod", ferretdbtest.Mongod)
		}
		set, err := ferretdbtest.StartSet(program, dir, ferretdbtest.Unharmed)
		if err != nil {
			return err
		}
		defer set.Close()
		uri = set.URI
	default:
		return fmt.Errorf("-log %s: there are ferretdb and replica-set", kind)
	}
	cmd.Env = append(cmd.Env, "LIENTHONG_TEST_LOG="+uri)
	return cmd.Run()
}

// endsWithin is how long a command may take to end when it is asked to, before it is killed.
const endsWithin = 30 * time.Second

// command is asked to end when ctx does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endsWithin
	return cmd
}

// modfile writes the go.mod of a module with another release of the driver to dir.
func modfile(dir, module, driver string) (string, error) {
	file := filepath.Join(dir, filepath.Base(module)+".mod")
	raw, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", err
	}
	const name = "go.mongodb.org/mongo-driver/v2"
	raw = fmt.Appendf(raw, "\nreplace %s => %s %s\n", name, name, driver)
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	return file, errors.Join(os.WriteFile(file, raw, 0o600), os.WriteFile(strings.TrimSuffix(file, ".mod")+".sum", sums, 0o600))
}
