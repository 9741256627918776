package access

import (
	"slices"
	"strings"
)

const purposeSystem = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

// narrowerPurposes are the purposes of use of purposeSystem, each with those that are a kind of it.
// Source: https://hl7.org/fhir/R4/v3/PurposeOfUse/vs.html
var narrowerPurposes = map[string]string{
	"PurposeOfUse": "HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT",
	"TREAT":        "CLINTRL COC ETREAT POPHLTH",
	"ETREAT":       "BTG ERTREAT",
	"HPAYMT":       "CLMATTCH COVAUTH COVERAGE REMITADV",
	"COVERAGE":     "ELIGDTRM ELIGVER ENROLLM MILDCRG",
	"HOPERAT": "CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN MEMADMIN MILCDM PATADMIN " +
		"PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN",
	"HSYSADMIN": "LABELING METAMGT",
	"SYSDEV":    "HTEST",
	"HRESCH":    "BIORCH CLINTRCH DSRCH POARCH TRANSRCH",
	"CLINTRCH":  "CLINTRCHNPC CLINTRCHPC PRECLINTRCH",
	"PUBHLTH":   "DISASTER THREAT",
	"PATRQT":    "FAMRQT PWATRNY SUPNWK",
}

// widerPurposes gives the purpose that a purpose is a kind of; "" for the one that all are kinds of.
var widerPurposes = func() map[string]string {
	wider := map[string]string{"PurposeOfUse": ""}
	for purpose, kinds := range narrowerPurposes {
		for kind := range strings.FieldsSeq(kinds) {
			wider[kind] = purpose
		}
	}
	return wider
}()

// isPurpose says whether a code is a purpose of use that is known.
func isPurpose(code string) bool {
	_, known := widerPurposes[code]
	return known
}

// purposeAmong says whether a caller's purpose is one of those that a rule is about, or a kind of one. Nobody can say so of a purpose that is
// not known, the caller's or the rule's.
func purposeAmong(rule []string, caller string) holding {
	for p := caller; p != ""; p = widerPurposes[p] {
		if slices.Contains(rule, p) {
			return yes
		}
	}
	if !isPurpose(caller) || slices.ContainsFunc(rule, func(code string) bool { return !isPurpose(code) }) {
		return maybe
	}
	return no
}
