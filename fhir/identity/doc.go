// Package identity knows the numbers by which people and their records are told apart in Vietnam, and the identifier
// systems they stand under.
//
//	CCCD      0 5 1 | 0 | 8 5 | 0 0 0 0 1 1   citizen ID: province of birth registration, century and gender, year, serial
//	CMND      9 digits                        the citizen ID's predecessor
//	Passport  B 1 2 3 4 5 6 7                 a capital letter and 7 digits
//	BHYT      G D | 4 | 5 1 | 0123456789      insurance card: group, benefit, province, social-insurance number
//	BHXH      10 digits                       social-insurance number
//
// Systems names them under a base that can be configured, and folds the aliases that others use, for matching only: a
// document keeps what was sent. PatientKeys checks a Patient's identifiers and gives the keys that make a citizen ID belong
// to at most one active Patient; the store refuses the commit that would give it to a second one (EXACT).
//
// Caveats. No number has a check digit, so "valid" means: not impossible. Severity follows one rule: an impossible citizen
// ID is an error, since everything hangs on it; all else is a warning, since identifiers never block care. Numbers of people
// never appear in errors and issues of this package.
//
// It may import store and resource. Start reading at Systems, then PatientKeys.
package identity
