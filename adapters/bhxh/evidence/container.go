package evidence

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

// pack writes the ZIP.
func pack(parts map[string][]byte, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	err := packInto(zip.NewWriter(&b), parts, at)
	return b.Bytes(), err
}

func packInto(z *zip.Writer, parts map[string][]byte, at time.Time) error {
	for _, name := range append(chained(parts), apart...) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err == nil {
			_, err = w.Write(parts[name])
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// unpack reads the parts: all of them, each once, and no other.
func unpack(file []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("not a file of evidence: %w", err)
	}
	want := slices.Concat(always, apart)
	parts, whole := map[string][]byte{}, 0
	for _, f := range z.File {
		if _, twice := parts[f.Name]; twice || !slices.Contains(want, f.Name) && !isBody.MatchString(f.Name) {
			return nil, fmt.Errorf("not a file of evidence: it has %q, or has it twice", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		raw, err := io.ReadAll(io.LimitReader(r, maxWhole+1))
		_ = r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", f.Name, err)
		}
		if whole += len(raw); whole > maxWhole {
			return nil, fmt.Errorf("the parts are larger than %d bytes", maxWhole)
		}
		parts[f.Name] = raw
	}
	for _, name := range want {
		if _, ok := parts[name]; !ok {
			return nil, fmt.Errorf("not a file of evidence: %s is not in it", name)
		}
	}
	return parts, nil
}

// asPacked says whether a file is what pack makes of its parts, but for how they are compressed, which may differ from one version of
// the compressor to the next. What stands before, between and after the parts is read by some programs and not by others: there
// somebody could hide another case, which who unpacks the file sees and Verify does not.
func asPacked(file []byte, parts map[string][]byte, at time.Time) bool {
	names := map[string][]byte{}
	for name := range parts {
		names[name] = nil
	}
	empty, err := pack(names, at)
	if err != nil {
		return false
	}
	model, err := zip.NewReader(bytes.NewReader(empty), int64(len(empty)))
	if err != nil {
		return false
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(z.File) != len(model.File) {
		return false
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, f := range z.File {
		h, part := model.File[i].FileHeader, parts[model.File[i].Name]
		raw, ok := compressed(f, int64(len(part)))
		if !ok {
			return false
		}
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE(part), uint64(len(raw)), uint64(len(part))
		to, err := w.CreateRaw(&h)
		if err == nil {
			_, err = to.Write(raw)
		}
		if err != nil {
			return false
		}
	}
	return w.Close() == nil && bytes.Equal(b.Bytes(), file)
}

// compressed gives the bytes of a part as they stand in the file, unless something stands behind the end of what they are.
func compressed(f *zip.File, size int64) ([]byte, bool) {
	r, err := f.OpenRaw()
	if err != nil {
		return nil, false
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, false
	}
	left := bytes.NewReader(raw) // flate reads no further than it needs of a ByteReader
	n, err := io.Copy(io.Discard, io.LimitReader(flate.NewReader(left), size+1))
	return raw, err == nil && n == size && left.Len() == 0
}
