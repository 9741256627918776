import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.*;

/**
 * Reads some resources of each type from a server and has the reference validator judge them by the definitions of R4:
 * cardinalities, types, bindings, invariants. Usage: java -cp 'LIB/*' Validate.java BASE
 */
public class Validate {
  static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  static final FhirContext fhir = FhirContext.forR4();
  static final FhirValidator validator = fhir.newValidator();

  /** Gives the errors of a resource, "" if it has none. */
  static String errors(Resource r) {
    StringBuilder s = new StringBuilder();
    for (var m : validator.validateWithResult(r).getMessages()) {
      if (m.getSeverity().ordinal() >= ResultSeverityEnum.ERROR.ordinal()) {
        s.append(r.getId()).append(' ').append(m.getLocationString()).append(": ").append(m.getMessage()).append("; ");
      }
    }
    return s.toString();
  }

  static void report(String name, String errors) {
    String what = errors.replaceAll("\\s+", " ");
    out.println(what.isEmpty() ? "ok\t" + name : "fail\t" + name + "\t" + what.substring(0, Math.min(800, what.length())));
  }

  public static void main(String[] args) {
    var instances = new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(fhir), new CommonCodeSystemsTerminologyService(fhir), new InMemoryTerminologyServerValidationSupport(fhir)));
    instances.setErrorForUnknownProfiles(false);
    instances.setAnyExtensionsAllowed(true);
    validator.registerValidatorModule(instances);
    fhir.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    fhir.getRestfulClientFactory().setSocketTimeout(60_000);
    IGenericClient client = fhir.newRestfulGenericClient(args[0]);

    report("the validator sees a missing status", errors(new Claim()).contains("status") ? "" : "it does not");
    for (String type : List.of("Patient", "Immunization", "Claim", "ClaimResponse", "Task", "Organization", "Practitioner", "Encounter", "Coverage", "Condition")) {
      Bundle b = client.search().forResource(type).count(5).returnBundle(Bundle.class).execute();
      StringBuilder s = new StringBuilder(b.getEntry().isEmpty() ? "there is none" : "");
      b.getEntry().forEach(e -> s.append(errors(e.getResource())));
      report(type, s.toString());
    }
    report("Bundle of a search", errors(client.search().byUrl("Task?_count=3&_include=Task:focus").returnBundle(Bundle.class).execute()));
    report("Bundle of a history", errors(client.history().onType("Task").returnBundle(Bundle.class).count(3).execute()));
    Patient person = (Patient) client.search().byUrl("Patient?_has:Immunization:patient:status=completed&_count=1").returnBundle(Bundle.class).execute().getEntryFirstRep().getResource();
    Bundle ips = client.operation().onInstance(person.getIdElement().toUnqualifiedVersionless()).named("$summary")
        .withNoParameters(Parameters.class).useHttpGet().returnResourceType(Bundle.class).execute();
    ips.getMeta().getProfile().clear(); // the profiles of the guide are in no package of HAPI's: patientsummary's own test holds it to them
    report("International Patient Summary", errors(ips));
    report("its Composition comes first", ips.getEntryFirstRep().getResource() instanceof Composition ? "" : "it does not");
    StringBuilder lost = new StringBuilder();
    for (var section : ((Composition) ips.getEntryFirstRep().getResource()).getSection()) {
      for (var e : section.getEntry()) { // which HAPI resolves by the full URLs of the Bundle
        if (e.getResource() == null) lost.append(e.getReference()).append(' ');
      }
    }
    report("its sections refer to what is in it", lost.toString());
    CapabilityStatement c = client.capabilities().ofType(CapabilityStatement.class).execute();
    c.getRestFirstRep().getResource().removeIf(r -> !List.of("Patient", "Claim", "Task").contains(r.getType())); // they are all alike, and many
    report("CapabilityStatement", errors(c));
    out.println("done");
  }
}
