package certificate

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/skip2/go-qrcode"

	"github.com/lienthong/lienthong/fhir"
)

// quiet is the white border that readers need around a code, in modules.
const quiet = 4

// code is a QR code as modules, true = black, without border.
type code [][]bool

// newCode makes a QR code. Digits and base45 take the modes of a QR code that are made for them. The level of correction
// is M where that stays readable on paper (version 25 and below), else L.
func newCode(text string) (code, error) {
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil || q.VersionNumber > 25 {
		q, err = qrcode.New(text, qrcode.Low)
	}
	if err != nil {
		return nil, fhir.Wrap(fhir.Unprocessable, "certificate-too-long", err)
	}
	q.DisableBorder = true
	return q.Bitmap(), nil
}

func codes(texts []string) (out []code, err error) {
	for _, t := range texts {
		c, err := newCode(t)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// runs calls draw for each run of black modules: row, first column, length.
func (c code) runs(draw func(row, column, length int)) {
	for y, row := range c {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			from := x
			for x < len(row) && row[x] {
				x++
			}
			draw(y, from, x-from)
		}
	}
}

// columns in an image of several codes.
const columns = 3

// place is where the code of index i begins, in modules, with size its edge and its border in between.
func place(i, size int) (x, y int) {
	return quiet + i%columns*(size+quiet*2), quiet + i/columns*(size+quiet*2)
}

// extent is the size in modules of an image of n codes.
func extent(n, size int) (width, height int) {
	step := size + quiet*2
	return min(n, columns) * step, (n + columns - 1) / columns * step
}

func largest(all []code) (size int) {
	for _, c := range all {
		size = max(size, len(c))
	}
	return size
}

// PNG draws the QR codes of texts into one image, three in a row, each module scale pixels wide.
func PNG(texts []string, scale int) ([]byte, error) {
	all, err := codes(texts)
	if err != nil {
		return nil, err
	}
	size := largest(all)
	w, h := extent(len(all), size)
	img := image.NewPaletted(image.Rect(0, 0, w*scale, h*scale), color.Palette{color.White, color.Black})
	for i, c := range all {
		x0, y0 := place(i, size)
		c.runs(func(row, column, length int) {
			for y := (y0 + row) * scale; y < (y0+row+1)*scale; y++ {
				line := img.Pix[y*img.Stride:]
				for x := (x0 + column) * scale; x < (x0+column+length)*scale; x++ {
					line[x] = 1
				}
			}
		})
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img)
	return b.Bytes(), err
}

// SVG draws the QR codes of texts, three in a row. One unit is one module.
func SVG(texts []string, title string) ([]byte, error) {
	all, err := codes(texts)
	if err != nil {
		return nil, err
	}
	size := largest(all)
	w, h := extent(len(all), size)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img">`, w*4, h*4, w, h)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/><path fill="#000" d="`, escape(title))
	for i, c := range all {
		x0, y0 := place(i, size)
		c.runs(func(row, column, length int) { fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x0+column, y0+row, length, length) })
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}
