// Package scan reads the QR codes of an image: a photograph of a certificate, or a picture of its codes.
//
// It may import only fhir. Start reading at QR.
package scan

import (
	"bytes"
	"image"
	_ "image/jpeg" // images are PNG or JPEG
	_ "image/png"

	"github.com/makiuchi-d/gozxing"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/lienthong/lienthong/fhir"
)

// Limits of an image. A page scanned with 600 dots an inch has 35 million points.
const (
	MaxBytes  = 32 << 20
	maxPoints = 50_000_000
)

// QR gives the texts of all QR codes in a PNG or JPEG, each once. Errors: TooLarge "certificate-too-large", Invalid
// "certificate-unreadable" for what is no image or has no code in it.
func QR(raw []byte) ([]string, error) {
	if len(raw) > MaxBytes {
		return nil, fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", MaxBytes)
	}
	// The size stands in front: a few bytes can claim to be a picture of gigabytes.
	head, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, "PNG, JPEG")
	}
	if head.Width < 1 || head.Height < 1 || head.Width > maxPoints/head.Height {
		return nil, fhir.Errorf(fhir.TooLarge, "certificate-too-large", "", maxPoints)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fhir.Wrap(fhir.Invalid, "certificate-unreadable", err, "PNG, JPEG")
	}
	source := gozxing.NewLuminanceSourceFromImage(img)
	var found []*gozxing.Result
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			return nil, err
		}
		hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
		if all, err := multi.NewQRCodeMultiReader().DecodeMultiple(bitmap, hints); err == nil {
			found = append(found, all...)
		}
		if one, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			found = append(found, one)
		}
	}
	var texts []string
	seen := map[string]bool{}
	for _, r := range found {
		if t := r.GetText(); !seen[t] {
			seen[t] = true
			texts = append(texts, t)
		}
	}
	if texts == nil {
		return nil, fhir.Errorf(fhir.Invalid, "certificate-unreadable", "", "QR")
	}
	return texts, nil
}
