import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.PreferReturnEnum;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.api.SearchTotalModeEnum;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import ca.uhn.fhir.util.BundleBuilder;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.hl7.fhir.r4.model.*;

/** Drives a server with the client of HAPI, its parser strict. Usage: java -cp 'LIB/*' Drive.java BASE */
public class Drive {
  static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  static final FhirContext fhir = FhirContext.forR4();
  static final String system = "urn:lienthong:clients:hapi:" + UUID.randomUUID(); // so that a run sees only what it made
  static IGenericClient client;
  static Patient patient;
  static Immunization shot;

  interface Run {
    void run() throws Exception;
  }

  /** Prints "ok<TAB>name" or "fail<TAB>name<TAB>what". */
  static void check(String name, Run run) {
    try {
      run.run();
      out.println("ok\t" + name);
    } catch (Throwable e) {
      String what = e.toString();
      for (StackTraceElement s : e.getStackTrace()) {
        if (s.getClassName().startsWith("Drive") && !s.getMethodName().matches("equal|fails|check")) {
          what = "line " + s.getLineNumber() + ": " + what;
          break;
        }
      }
      if (e instanceof BaseServerResponseException b && b.getResponseBody() != null) {
        what += " " + b.getResponseBody();
      }
      what = what.replaceAll("\\s+", " ");
      out.println("fail\t" + name + "\t" + what.substring(0, Math.min(800, what.length())));
    }
  }

  static void equal(Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError("got " + got + ", want " + want);
    }
  }

  /** Gives the OperationOutcome with which a call is refused. */
  static OperationOutcome fails(Class<? extends BaseServerResponseException> kind, Run run) throws Exception {
    try {
      run.run();
    } catch (BaseServerResponseException e) {
      if (!kind.isInstance(e)) {
        throw new AssertionError("wanted " + kind.getSimpleName() + ", got " + e + " " + e.getResponseBody());
      }
      OperationOutcome o = (OperationOutcome) e.getOperationOutcome();
      if (o == null || o.getIssue().isEmpty() || o.getIssueFirstRep().getDetails().getText() == null) {
        throw new AssertionError("no OperationOutcome: " + e.getResponseBody());
      }
      return o;
    }
    throw new AssertionError("wanted " + kind.getSimpleName() + ", got an answer");
  }

  static Patient person(String value) {
    Patient p = new Patient();
    p.addIdentifier().setSystem(system).setValue(value);
    p.addName().setFamily("Hoàng").addGiven("Văn").addGiven("Em");
    p.setGender(Enumerations.AdministrativeGender.MALE);
    p.setBirthDateElement(new DateType("1966-06-06"));
    return p;
  }

  static Bundle find(String value) {
    return client.search().forResource(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, value)).returnBundle(Bundle.class).execute();
  }

  static List<String> types(Bundle b) {
    return b.getEntry().stream().map(e -> e.getResource().fhirType() + " " + e.getSearch().getMode().toCode()).toList();
  }

  public static void main(String[] args) {
    String base = args[0];
    fhir.setParserErrorHandler(new StrictErrorHandler());
    fhir.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE); // it reads /metadata first
    fhir.getRestfulClientFactory().setSocketTimeout(30_000);
    client = fhir.newRestfulGenericClient(base);

    check("metadata, with the formats that the client asks for by itself", () -> {
      CapabilityStatement c = client.capabilities().ofType(CapabilityStatement.class).execute();
      equal(c.getFhirVersion().toCode(), "4.0.1");
      equal(c.getRestFirstRep().getResource().stream().map(r -> r.getType()).toList().containsAll(List.of("Patient", "Immunization", "Claim", "ClaimResponse", "Task")), true);
    });

    check("create gives id, version and resource", () -> {
      MethodOutcome o = client.create().resource(person("1")).prefer(PreferReturnEnum.REPRESENTATION).execute();
      equal(o.getCreated(), true);
      equal(o.getResponseStatusCode(), 201);
      equal(o.getId().getVersionIdPart(), "1");
      patient = (Patient) o.getResource();
      equal(patient.getNameFirstRep().getFamily(), "Hoàng");
      equal(patient.getIdElement().getIdPart(), o.getId().getIdPart());
    });

    check("create with return=minimal and return=OperationOutcome", () -> {
      equal(client.create().resource(person("minimal")).prefer(PreferReturnEnum.MINIMAL).execute().getResource(), null);
      MethodOutcome o = client.create().resource(person("outcome")).prefer(PreferReturnEnum.OPERATION_OUTCOME).execute();
      equal(o.getOperationOutcome() instanceof OperationOutcome, true);
    });

    check("read, vread, read by absolute URL, and not modified", () -> {
      Patient p = client.read().resource(Patient.class).withId(patient.getIdElement().getIdPart()).execute();
      equal(p.equalsDeep(patient), true);
      equal(p.getIdElement().getVersionIdPart(), "1");
      equal(client.read().resource(Patient.class).withIdAndVersion(p.getIdElement().getIdPart(), "1").execute().equalsDeep(p), true);
      equal(client.read().resource(Patient.class).withUrl(base + "/Patient/" + p.getIdElement().getIdPart()).execute().equalsDeep(p), true);
      equal(client.read().resource(Patient.class).withId(p.getIdElement().getIdPart()).ifVersionMatches("1").returnNull().execute(), null);
    });

    check("read as XML is refused in words, or served", () -> {
      try {
        client.read().resource(Patient.class).withId(patient.getIdElement().getIdPart()).encodedXml().execute();
      } catch (BaseServerResponseException e) {
        equal(e.getStatusCode(), 406);
      }
    });

    check("update with If-Match", () -> {
      Patient p = patient.copy();
      p.setActive(true);
      p.setId(p.getIdElement().toUnqualifiedVersionless());
      MethodOutcome o = client.update().resource(p).withId(p.getIdElement()).withAdditionalHeader("If-Match", "W/\"1\"").execute();
      equal(o.getResource().getMeta().getVersionId(), "2");
      equal(o.getResponseStatusCode(), 200);
      fails(PreconditionFailedException.class, () -> client.update().resource(p).withAdditionalHeader("If-Match", "W/\"1\"").execute());
      equal(client.update().resource(person("1b")).withId("hapi-" + UUID.randomUUID()).execute().getCreated(), true);
    });

    check("conditional create", () -> {
      MethodOutcome a = client.create().resource(person("2")).conditional().where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "2")).execute();
      MethodOutcome b = client.create().resource(person("2")).conditionalByUrl("Patient?identifier=" + system + "|2").execute();
      equal(b.getId().getIdPart(), a.getId().getIdPart());
      equal(b.getCreated() == null || !b.getCreated(), true);
    });

    check("conditional update and delete", () -> {
      for (boolean active : List.of(true, false)) {
        MethodOutcome o = client.update().resource(person("2b").setActive(active)).conditional().where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "2b")).execute();
        equal(o.getResponseStatusCode(), active ? 201 : 200);
      }
      equal(find("2b").getTotal(), 1);
      client.delete().resourceConditionalByType(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "2b")).execute();
      equal(find("2b").getTotal(), 0);
    });

    check("update, conditional update and patch tell id and version without a body", () -> {
      Patient p = person("2c");
      IdType id = new IdType("Patient", "hapi-" + UUID.randomUUID());
      p.setId(id);
      equal(client.update().resource(p).prefer(PreferReturnEnum.MINIMAL).execute().getId().getVersionIdPart(), "1");
      equal(client.update().resource(p.setActive(true)).prefer(PreferReturnEnum.MINIMAL).execute().getId().getVersionIdPart(), "2");
      MethodOutcome o = client.update().resource(person("2c")).conditional().where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "2c")).prefer(PreferReturnEnum.MINIMAL).execute();
      equal(o.getId().getIdPart() + " " + o.getId().getVersionIdPart(), id.getIdPart() + " 3");
      o = client.patch().withBody("[{\"op\":\"add\",\"path\":\"/active\",\"value\":true}]").withId(id).prefer(PreferReturnEnum.MINIMAL).execute();
      equal(o.getId().getIdPart() + " " + o.getId().getVersionIdPart(), id.getIdPart() + " 4");
    });

    check("patch with JSON Patch", () -> {
      String patch = "[{\"op\":\"replace\",\"path\":\"/gender\",\"value\":\"other\"},{\"op\":\"add\",\"path\":\"/telecom\",\"value\":[{\"system\":\"phone\",\"value\":\"1\"}]}]";
      MethodOutcome o = client.patch().withBody(patch).withId("Patient/" + patient.getIdElement().getIdPart()).prefer(PreferReturnEnum.REPRESENTATION).execute();
      Patient p = (Patient) o.getResource();
      equal(p.getGender(), Enumerations.AdministrativeGender.OTHER);
      equal(p.getTelecomFirstRep().getValue(), "1");
      o = client.patch().withBody("[{\"op\":\"remove\",\"path\":\"/telecom\"}]").conditional(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "1")).prefer(PreferReturnEnum.REPRESENTATION).execute();
      equal(o.getResource().getMeta().getVersionId(), "4");
    });

    check("transaction with placeholders and a conditional reference", () -> {
      Bundle b = new Bundle().setType(Bundle.BundleType.TRANSACTION);
      String uuid = IdType.newRandomUuid().getValue();
      b.addEntry().setFullUrl(uuid).setResource(person("3")).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient").setIfNoneExist("identifier=" + system + "|3");
      for (String ref : List.of(uuid, "Patient?identifier=" + system + "|1")) {
        Immunization i = new Immunization().setStatus(Immunization.ImmunizationStatus.COMPLETED);
        i.getVaccineCode().addCoding().setSystem("http://hl7.org/fhir/sid/cvx").setCode("19");
        i.setPatient(new Reference(ref)).setOccurrence(new DateTimeType("2026-03-04T09:30:00+07:00"));
        i.getDoseQuantity().setValue(new java.math.BigDecimal("0.50"));
        b.addEntry().setFullUrl(IdType.newRandomUuid().getValue()).setResource(i).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Immunization");
      }
      Bundle answer = client.transaction().withBundle(b).execute();
      equal(answer.getType(), Bundle.BundleType.TRANSACTIONRESPONSE);
      equal(answer.getEntry().stream().map(e -> e.getResponse().getStatus().substring(0, 3)).toList(), List.of("201", "201", "201"));
      shot = client.read().resource(Immunization.class).withUrl(new IdType(answer.getEntry().get(1).getResponse().getLocation()).toUnqualifiedVersionless()).execute();
      equal(shot.getPatient().getReferenceElement().getIdPart(), new IdType(answer.getEntry().get(0).getResponse().getLocation()).getIdPart());
      equal(shot.getDoseQuantity().getValue().toPlainString(), "0.50");
      Immunization second = client.read().resource(Immunization.class).withId(new IdType(answer.getEntry().get(2).getResponse().getLocation()).getIdPart()).execute();
      equal(second.getPatient().getReferenceElement().getIdPart(), patient.getIdElement().getIdPart());
    });

    check("transaction as the client's builder makes it", () -> {
      Patient kept = person("4"), doomed = person("5");
      kept.setId("Patient/hapi-" + UUID.randomUUID());
      doomed.setId("Patient/hapi-" + UUID.randomUUID());
      BundleBuilder first = new BundleBuilder(fhir);
      first.addTransactionUpdateEntry(kept);
      first.addTransactionUpdateEntry(doomed);
      first.addTransactionCreateEntry(person("6")).conditional("identifier=" + system + "|6");
      Bundle answer = client.transaction().withBundle((Bundle) first.getBundle()).execute();
      equal(answer.getEntry().stream().map(e -> e.getResponse().getStatus().substring(0, 3)).toList(), List.of("201", "201", "201"));
      BundleBuilder second = new BundleBuilder(fhir);
      second.addTransactionDeleteEntry(doomed);
      second.addTransactionUpdateEntry(person("6").setActive(true)).conditional("Patient?identifier=" + system + "|6");
      second.addTransactionCreateEntry(person("4")).conditional("identifier=" + system + "|4");
      answer = client.transaction().withBundle((Bundle) second.getBundle()).execute();
      equal(answer.getEntry().stream().map(e -> e.getResponse().getStatus().substring(0, 3)).toList(), List.of("204", "200", "200"));
      equal(find("4").getTotal() + find("5").getTotal() + find("6").getTotal(), 2);
    });

    check("batch", () -> {
      Bundle b = new Bundle().setType(Bundle.BundleType.BATCH);
      b.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("Patient/" + patient.getIdElement().getIdPart());
      b.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("Patient/no-such-patient");
      Bundle answer = client.transaction().withBundle(b).execute();
      equal(answer.getType(), Bundle.BundleType.BATCHRESPONSE);
      equal(answer.getEntry().stream().map(e -> e.getResponse().getStatus().substring(0, 3)).toList(), List.of("200", "404"));
      equal(answer.getEntry().get(1).getResponse().getOutcome() instanceof OperationOutcome, true);
    });

    check("search with include, reverse include and chain", () -> {
      Bundle b = client.search().forResource(Immunization.class).where(Immunization.RES_ID.exactly().code(shot.getIdElement().getIdPart())).include(Immunization.INCLUDE_PATIENT).returnBundle(Bundle.class).execute();
      equal(types(b), List.of("Immunization match", "Patient include"));
      b = client.search().forResource(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "3")).revInclude(Immunization.INCLUDE_PATIENT).returnBundle(Bundle.class).execute();
      equal(types(b), List.of("Patient match", "Immunization include"));
      b = client.search().forResource(Immunization.class).where(Immunization.PATIENT.hasChainedProperty(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "3"))).returnBundle(Bundle.class).execute();
      equal(types(b), List.of("Immunization match"));
    });

    check("search with the client's parameter kinds", () -> {
      Bundle b = client.search().forResource(Patient.class)
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "3"))
          .and(Patient.BIRTHDATE.afterOrEquals().day("1966-06-06"))
          .and(Patient.BIRTHDATE.before().day("1966-06-07"))
          .and(Patient.NAME.matches().value("hoang"))
          .and(Patient.FAMILY.matchesExactly().value("Hoàng"))
          .and(Patient.GENDER.exactly().codes("male", "female"))
          .lastUpdated(new ca.uhn.fhir.rest.param.DateRangeParam("2020-01-01", null))
          .returnBundle(Bundle.class).execute();
      equal(b.getTotal(), 1);
      b = client.search().forResource(Immunization.class)
          .where(Immunization.PATIENT.hasId(shot.getPatient().getReferenceElement().toUnqualifiedVersionless()))
          .and(Immunization.DATE.exactly().day("2026-03-04"))
          .and(Immunization.STATUS.exactly().code("completed"))
          .and(Immunization.VACCINE_CODE.exactly().systemAndCode("http://hl7.org/fhir/sid/cvx", "19"))
          .returnBundle(Bundle.class).execute();
      equal(b.getTotal(), 1);
    });

    check("search by POST and by GET with _search", () -> {
      for (SearchStyleEnum style : List.of(SearchStyleEnum.GET, SearchStyleEnum.POST)) {
        Bundle b = client.search().forResource(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "3")).usingStyle(style).returnBundle(Bundle.class).execute();
        equal(b.getTotal(), 1);
      }
    });

    check("search by URL", () -> {
      Bundle b = client.search().byUrl("Patient?identifier=" + system + "|3").returnBundle(Bundle.class).execute();
      equal(b.getTotal(), 1);
    });

    check("summary, elements and count only", () -> {
      var search = client.search().forResource(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, "3"));
      Patient p = (Patient) search.elementsSubset("name").returnBundle(Bundle.class).execute().getEntryFirstRep().getResource();
      equal(p.hasName() && !p.hasBirthDate() && p.getMeta().getTag().stream().anyMatch(t -> "SUBSETTED".equals(t.getCode())), true);
      Bundle b = client.search().forResource(Patient.class).where(Patient.IDENTIFIER.hasSystemWithAnyCode(system)).summaryMode(SummaryEnum.COUNT).returnBundle(Bundle.class).execute();
      equal(b.getEntry().isEmpty() && b.getTotal() >= 4, true);
      b = client.search().forResource(Patient.class).where(Patient.IDENTIFIER.hasSystemWithAnyCode(system)).summaryMode(SummaryEnum.TRUE).returnBundle(Bundle.class).execute();
      equal(b.getEntry().size() >= 4, true);
      p = client.read().resource(Patient.class).withId(patient.getIdElement().getIdPart()).summaryMode(SummaryEnum.DATA).execute();
      equal(p.hasName(), true);
    });

    check("paging with loadPage, sorted", () -> {
      Set<String> ids = new HashSet<>();
      for (int i = 0; i < 12; i++) {
        Patient p = person("page-" + i);
        p.addAddress().setCity(system);
        ids.add(client.create().resource(p).execute().getId().getIdPart());
      }
      Bundle b = client.search().forResource(Patient.class).where(Patient.ADDRESS_CITY.matchesExactly().value(system)).sort().descending(Patient.IDENTIFIER).count(5).totalMode(SearchTotalModeEnum.ACCURATE).returnBundle(Bundle.class).execute();
      equal(b.getTotal(), 12);
      List<Integer> sizes = new ArrayList<>();
      List<String> values = new ArrayList<>();
      while (true) {
        sizes.add(b.getEntry().size());
        for (Bundle.BundleEntryComponent e : b.getEntry()) {
          equal(ids.remove(e.getResource().getIdElement().getIdPart()), true);
          equal(e.getFullUrl(), base + "/Patient/" + e.getResource().getIdElement().getIdPart());
          values.add(((Patient) e.getResource()).getIdentifierFirstRep().getValue());
        }
        if (b.getLink(Bundle.LINK_NEXT) == null) break;
        b = client.loadPage().next(b).execute();
      }
      equal(sizes, List.of(5, 5, 2));
      equal(values, values.stream().sorted(java.util.Comparator.reverseOrder()).toList());
    });

    check("history of a resource, of a type and of the system", () -> {
      Bundle h = client.history().onInstance("Patient/" + patient.getIdElement().getIdPart()).returnBundle(Bundle.class).execute();
      equal(h.getType(), Bundle.BundleType.HISTORY);
      equal(h.getEntry().stream().map(e -> e.getResource().getMeta().getVersionId()).toList(), List.of("4", "3", "2", "1"));
      equal(client.history().onType(Patient.class).returnBundle(Bundle.class).count(3).execute().getEntry().size(), 3);
      Bundle s = client.history().onServer().returnBundle(Bundle.class).since(new java.util.Date(0)).count(50).execute();
      equal(s.getEntry().size(), 50);
    });

    check("operation $everything", () -> {
      Bundle b = client.operation().onInstance(shot.getPatient().getReferenceElement().toUnqualifiedVersionless()).named("$everything").withNoParameters(Parameters.class).useHttpGet().returnResourceType(Bundle.class).execute();
      equal(b.getEntry().stream().map(e -> e.getResource().fhirType()).sorted().toList(), List.of("Immunization", "Patient"));
    });

    check("errors are OperationOutcomes with the right exception", () -> {
      fails(ResourceNotFoundException.class, () -> client.read().resource(Patient.class).withId("no-such-patient").execute());
      fails(ResourceNotFoundException.class, () -> client.read().resource(Patient.class).withIdAndVersion(patient.getIdElement().getIdPart(), "99").execute());
      fails(InvalidRequestException.class, () -> client.search().byUrl("Patient?no-such-parameter=x").returnBundle(Bundle.class).execute());
      fails(UnprocessableEntityException.class, () -> client.create().resource(new Immunization()).execute());
      fails(PreconditionFailedException.class, () -> client.delete().resourceConditionalByUrl("Patient?address-city=" + system).execute());
    });

    check("delete, gone, and it comes back with an update", () -> {
      IdType id = new IdType("Patient", patient.getIdElement().getIdPart());
      MethodOutcome o = client.delete().resourceById(id).execute();
      equal(o.getResponseStatusCode() == 200 || o.getResponseStatusCode() == 204, true);
      fails(ResourceGoneException.class, () -> client.read().resource(Patient.class).withId(id).execute());
      Bundle h = client.history().onInstance(id).returnBundle(Bundle.class).execute();
      equal(h.getEntryFirstRep().getRequest().getMethod(), Bundle.HTTPVerb.DELETE);
      Patient p = person("1");
      p.setId(id);
      MethodOutcome back = client.update().resource(p).execute();
      equal(back.getResource().getMeta().getVersionId(), "6");
    });

    for (Class<? extends Resource> type : List.of(Patient.class, Immunization.class, Claim.class, ClaimResponse.class, Task.class, Organization.class, Practitioner.class, Encounter.class, Coverage.class, Condition.class)) {
      check("strict parse of every " + type.getSimpleName(), () -> {
        int n = 0;
        Bundle b = client.search().forResource(type).count(100).returnBundle(Bundle.class).execute();
        while (true) {
          n += b.getEntry().size();
          if (b.getLink(Bundle.LINK_NEXT) == null) break;
          b = client.loadPage().next(b).execute();
        }
        equal(n > 0, true);
      });
    }
    out.println("done");
  }
}
