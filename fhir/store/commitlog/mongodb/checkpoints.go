package mongodb

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lienthong/lienthong/fhir"
)

// Checkpoints are copies of an engine's folder beside the log, from which a new server starts instead of from nothing:
//
//	checkpoints         {_id: <oid>, t: 41, at: <date>, whole: true, size: 12345, sha256: <bytes>}
//	checkpoints.files   GridFS: the folder as a tar file, under the same _id
//	checkpoints.chunks
//
// The document is there before the file, and says whole when the file is; one that is not whole is never used. What it is good
// for is decided by the log alone: the engine asks whether the copy's last commit is the log's, and replays the rest. The files of an
// encrypted folder are kept as they lie on disk; the key is not among them.

// checkpointsKept is how many whole checkpoints stay.
const checkpointsKept = 2

// unfinishedFor is how long a checkpoint may take to be written before it counts as left behind by a server that died.
const unfinishedFor = 6 * time.Hour

type checkpoint struct {
	ID    bson.ObjectID `bson:"_id"`
	T     int64         `bson:"t"`
	At    time.Time     `bson:"at"`
	Whole bool          `bson:"whole"`
	Size  int64         `bson:"size"`
	Sum   bson.Binary   `bson:"sha256"`
}

func (l *Log) kept() (*mongo.Collection, *mongo.GridFSBucket) {
	db := l.commits.Database()
	return db.Collection("checkpoints", options.Collection().SetReadConcern(l.concern)),
		db.GridFSBucket(options.GridFSBucket().SetName("checkpoints").SetReadConcern(l.concern).SetChunkSizeBytes(1 << 20))
}

// checkpointsNewestFirst gives all of them.
func (l *Log) checkpointsNewestFirst(ctx context.Context) (all []checkpoint, err error) {
	docs, _ := l.kept()
	cur, err := docs.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "t", Value: -1}}))
	if err != nil {
		return nil, unreachable(err)
	}
	return all, unreachable(cur.All(ctx, &all))
}

// CheckpointAge is how old the newest whole checkpoint is; false if there is none.
func (l *Log) CheckpointAge(ctx context.Context, now time.Time) (time.Duration, bool, error) {
	all, err := l.checkpointsNewestFirst(ctx)
	for _, c := range all {
		if c.Whole {
			return now.Sub(c.At), true, err
		}
	}
	return 0, false, err
}

// KeepCheckpoint keeps a folder, the copy of an engine at commit t, and prunes older ones.
func (l *Log) KeepCheckpoint(ctx context.Context, dir string, t fhir.T, now time.Time) error {
	docs, bucket := l.kept()
	c := checkpoint{ID: bson.NewObjectID(), T: int64(t), At: now}
	if _, err := docs.InsertOne(ctx, c); err != nil {
		return unreachable(err)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(packFolder(w, dir)) }()
	sum := sha256.New()
	count := &counted{r: io.TeeReader(r, sum)}
	err := bucket.UploadFromStreamWithID(ctx, c.ID, "checkpoint", count)
	if err == nil {
		if _, end := count.Read(make([]byte, 1)); !errors.Is(end, io.EOF) {
			err = fmt.Errorf("not all of it was taken: %w", end)
		}
	}
	_ = r.CloseWithError(context.Canceled) // ends the packing, if it has not ended
	if err != nil {
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	whole := bson.D{{Key: "whole", Value: true}, {Key: "size", Value: count.n}, {Key: "sha256", Value: bson.Binary{Data: sum.Sum(nil)}}}
	if _, err := docs.UpdateOne(ctx, bson.D{{Key: "_id", Value: c.ID}}, bson.D{{Key: "$set", Value: whole}}); err != nil {
		return unreachable(err)
	}
	return l.pruneCheckpoints(ctx, now)
}

// pruneCheckpoints removes all but the newest whole ones, and what dead servers left. The document goes last, so that what a
// crash leaves is found again; before its file goes it says that it is not whole.
func (l *Log) pruneCheckpoints(ctx context.Context, now time.Time) error {
	all, err := l.checkpointsNewestFirst(ctx)
	if err != nil {
		return err
	}
	docs, bucket := l.kept()
	whole := 0
	for _, c := range all {
		if c.Whole {
			if whole++; whole <= checkpointsKept {
				continue
			}
		} else if now.Sub(c.At) < unfinishedFor {
			continue
		}
		id := bson.D{{Key: "_id", Value: c.ID}}
		if _, err := docs.UpdateOne(ctx, id, bson.D{{Key: "$set", Value: bson.D{{Key: "whole", Value: false}}}}); err != nil {
			return unreachable(err)
		}
		if _, err := bucket.GetFilesCollection().DeleteOne(ctx, id); err != nil {
			return unreachable(err)
		}
		if _, err := bucket.GetChunksCollection().DeleteMany(ctx, bson.D{{Key: "files_id", Value: c.ID}}); err != nil {
			return unreachable(err)
		}
		if _, err := docs.DeleteOne(ctx, id); err != nil {
			return unreachable(err)
		}
	}
	return nil
}

// manifestMarker begins the name of the file by which Pebble knows a folder. It is put in its place last: a folder without it
// is no store.
const manifestMarker = "marker.manifest."

// loading is the folder within the folder of a store where a checkpoint is unpacked.
const loading = "checkpoint.loading"

// FetchCheckpoint fills a folder that has no store from the newest checkpoint that is whole, not beyond the log's head, verifies, and
// is usable, which is asked with the folder that it was unpacked to; the first commit that is not in it, 0 if there was none to be had.
func (l *Log) FetchCheckpoint(ctx context.Context, dir string, usable func(dir string) error) (fhir.T, error) {
	if there, err := filepath.Glob(filepath.Join(dir, manifestMarker+"*")); err != nil || len(there) > 0 {
		return 0, err
	}
	all, err := l.checkpointsNewestFirst(ctx)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	head, err := l.Head(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if !c.Whole || fhir.T(c.T) > head {
			continue
		}
		if err := l.fetchCheckpoint(ctx, dir, &c, usable); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			l.o.Logger.Warn("a checkpoint cannot be used", "commit", c.T, "error", err)
			continue
		}
		return fhir.T(c.T) + 1, nil
	}
	return 0, nil
}

func (l *Log) fetchCheckpoint(ctx context.Context, dir string, c *checkpoint, usable func(string) error) error {
	into := filepath.Join(dir, loading)
	if err := errors.Join(os.RemoveAll(into), os.MkdirAll(into, 0o700)); err != nil {
		return err
	}
	_, bucket := l.kept()
	r, w := io.Pipe()
	sum := sha256.New()
	go func() {
		_, err := bucket.DownloadToStream(ctx, c.ID, w)
		w.CloseWithError(err)
	}()
	count := &counted{r: io.TeeReader(io.LimitReader(r, c.Size+1), sum)}
	err := unpackFolder(count, into)
	if err == nil {
		_, err = io.Copy(io.Discard, count) // what stands behind the last file
	}
	_ = r.CloseWithError(context.Canceled) // ends the download, if it has not ended
	if err == nil && (count.n != c.Size || string(sum.Sum(nil)) != string(c.Sum.Data)) {
		err = errors.New("its bytes are not those that were written")
	}
	if there, _ := filepath.Glob(filepath.Join(into, manifestMarker+"*")); err == nil && len(there) == 0 {
		err = errors.New("it holds no store")
	}
	if err == nil {
		err = usable(into)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(into))
	}
	return moveIn(into, dir)
}

// moveIn puts the files of a checkpoint into their place, the marker last and each step on disk before the next. What a start
// that was killed at it left in the folder is taken away first: a write-ahead log of another checkpoint would be replayed.
func moveIn(from, dir string) error {
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range there {
		if f.Type().IsRegular() && ofStore(f.Name()) {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, last := range []bool{false, true} {
		for _, f := range files {
			if strings.HasPrefix(f.Name(), manifestMarker) == last {
				if err := os.Rename(filepath.Join(from, f.Name()), filepath.Join(dir, f.Name())); err != nil {
					return err
				}
			}
		}
		if err := syncFolder(dir); err != nil {
			return err
		}
	}
	return os.Remove(from)
}

// ofStore says whether a file of this name is Pebble's.
func ofStore(name string) bool {
	switch filepath.Ext(name) {
	case ".sst", ".log", ".blob":
		return true
	}
	return strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "OPTIONS-") || strings.HasPrefix(name, "marker.")
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// packFolder writes the files of a folder as a tar file.
func packFolder(w io.Writer, dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 1<<20) // GridFS takes an empty write for the end
	t := tar.NewWriter(b)
	for _, entry := range files {
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no file", entry.Name())
		}
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			err = t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: entry.Name(), Size: info.Size(), Mode: 0o600})
		}
		if err == nil {
			_, err = io.Copy(t, f)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), b.Flush())
}

// unpackFolder writes the files of a tar file to a folder, each on disk.
func unpackFolder(r io.Reader, dir string) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !ofStore(h.Name) || filepath.Base(h.Name) != h.Name {
			return fmt.Errorf("%q is no file of a store", h.Name)
		}
		f, err := os.OpenFile(filepath.Join(dir, h.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, t)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
