package setting

import (
	"os"
	"sync"
	"time"
)

// File is a setting that is read again when its file changes. The file is looked at when somebody asks, no more than once
// in lookAgain: nothing runs between. One that cannot be read or parsed leaves what was there, and is reported once.
type File[T any] struct {
	path   string
	parse  func([]byte) (T, error)
	report func(error)
	now    clock

	// mu guards what follows; the file is read under it, so that one reads while the others wait for the answer.
	mu     sync.Mutex
	value  T
	looked time.Time
	state  fileState
}

const lookAgain = time.Second

// clock tells the time; tests move it.
type clock func() time.Time

func (c clock) later() clock { return func() time.Time { return c().Add(lookAgain) } }

type fileState struct {
	changed time.Time
	size    int64
}

// Open reads the file for the first time; a fault then is an error.
func Open[T any](path string, parse func([]byte) (T, error), report func(error)) (*File[T], error) {
	w := &File[T]{path: path, parse: parse, report: report, now: time.Now}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w, w.read()
}

// Get gives the newest value that could be read.
func (w *File[T]) Get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.looked) >= lookAgain {
		if err := w.read(); err != nil && w.report != nil {
			w.report(err)
		}
	}
	return w.value
}

// Reload looks at the file now, whenever it was looked at last.
func (w *File[T]) Reload() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = fileState{}
	return w.read()
}

// read needs mu. The same bad file is an error once, not at each look.
func (w *File[T]) read() error {
	w.looked = w.now()
	info, err := os.Stat(w.path)
	if err != nil {
		if w.state == (fileState{size: -1}) {
			return nil
		}
		w.state = fileState{size: -1}
		return err
	}
	state := fileState{info.ModTime(), info.Size()}
	if state == w.state {
		return nil
	}
	w.state = state
	raw, err := os.ReadFile(w.path)
	if err != nil {
		return err
	}
	value, err := w.parse(raw)
	if err != nil {
		return err
	}
	w.value = value
	return nil
}
