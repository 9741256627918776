package searchtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir/fhirpath"
	"github.com/lienthong/lienthong/fhir/r4"
)

// position makes a place: near others, at an edge of the map, or anywhere.
func (g *Generator) position() (lat, lon float64) {
	round := func(x float64) float64 { return math.Round(x*1e4) / 1e4 }
	near := func(of, by float64) float64 { return round(of + (g.r.Float64()*2-1)*by) }
	switch g.r.IntN(6) {
	case 0:
		return near(0, 90), near(0, 180)
	case 1:
		return near(0, 1), pick(g.r, []float64{180, -180, 179.9, -179.95})
	case 2:
		return pick(g.r, []float64{90, -90, 89.99, -89.9}), near(0, 180)
	}
	return near(16.05, 0.3), near(108.2, 0.3)
}

// near asks for places within a distance.
func (g *Generator) near(p *r4.SearchParam) node {
	lat, lon := g.position()
	distance := pick(g.r, []float64{0, 0.5, 3, 11.2, 25, 60, 400, 2500, 10_000, 21_000})
	unit := pick(g.r, []string{"km", "m", "[mi_i]", "[mi_us]", ""})
	metres := map[string]float64{"km": 1000, "": 1000, "m": 1, "[mi_i]": 1609.344, "[mi_us]": 6336000.0 / 3937}[unit]
	value := strings.TrimSuffix(fmt.Sprintf("%v|%v|%s|%s", lat, lon, strconv.FormatFloat(distance, 'f', -1, 64), unit), "|")
	return node{"near", value, func(at place) bool {
		return slices.ContainsFunc(values(p, at), func(i fhirpath.Item) bool {
			a, err1 := strconv.ParseFloat(string(i.Value.Get("latitude").Raw()), 64)
			b, err2 := strconv.ParseFloat(string(i.Value.Get("longitude").Raw()), 64)
			return err1 == nil && err2 == nil && between(lat, lon, a, b) <= distance*metres+1e-3
		})
	}}
}

// between is the distance in metres by the angle between two directions from the centre of the earth.
func between(latA, lonA, latB, lonB float64) float64 {
	direction := func(lat, lon float64) [3]float64 {
		lat, lon = lat*math.Pi/180, lon*math.Pi/180
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	a, b := direction(latA, lonA), direction(latB, lonB)
	cross := math.Hypot(math.Hypot(a[1]*b[2]-a[2]*b[1], a[2]*b[0]-a[0]*b[2]), a[0]*b[1]-a[1]*b[0])
	return 6_371_008.8 * math.Atan2(cross, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
}
