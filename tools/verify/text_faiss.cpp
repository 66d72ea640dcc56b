// The parts of the report that speak of FAISS.
#include "console/console.hpp"
#include "verify/text.hpp"

namespace maxdot::tools {
namespace {

const char* defect_text(Defect defect) {
  switch (defect) {
    case Defect::no_item:
      return "it names no item";
    case Defect::repeated:
      return "it names an item twice";
    case Defect::score:
      return "its score is off by more than rounding allows";
    case Defect::order:
      return "the right item is better by more than rounding allows";
  }
  return "";
}

void add_explanation(Table& table, const std::string& name, const Explanation& explanation) {
  table.add({"  " + name, with_thousands(explanation.positions), with_thousands(explanation.equal),
             with_thousands(explanation.explained), with_thousands(explanation.unexplained)});
}

std::string explanation_notes(const std::string& name, const Explanation& explanation) {
  std::string text;
  if (explanation.widest) {
    const Position& widest = *explanation.widest;
    text += "  " + name + ": the widest explained gap between the two items' true scores is " +
            scientific(widest.gap) + "; rounding allows " + scientific(widest.allowed) +
            " there.\n";
  }
  if (explanation.queries_left_out > 0) {
    text += "  " + name + ": " + plural(explanation.queries_left_out, "query was", "queries were") +
            " left out: zero vectors without a direction, or sums too large for 32 bits.\n";
  }
  if (explanation.first_unexplained) {
    const Position& first = *explanation.first_unexplained;
    text += "  " + name + ", first unexplained: query " + with_thousands(first.query) +
            ", position " + with_thousands(first.position + 1) + ": item " +
            std::to_string(first.faiss_id) + ", expected item " + std::to_string(first.true_id) +
            "; " + defect_text(first.defect) + " (" + scientific(first.gap) + " against " +
            scientific(first.allowed) + ").\n";
  }
  return text;
}

std::string flat_text(const FaissReport& faiss, const Explanation& ip, const Explanation& l2) {
  Table table;
  table.add({"FAISS " + faiss.version + " against the truth", "positions", "same item", "explained",
             "unexplained"});
  add_explanation(table, "IndexFlatIP (max dot product)", ip);
  add_explanation(table, "IndexFlatL2 (min Euclidean distance)", l2);
  return table.text() + explanation_notes("IndexFlatIP", ip) + explanation_notes("IndexFlatL2", l2);
}

std::string ivf_text(const FaissReport& faiss, std::size_t k) {
  const IvfSweep& ip = faiss.ivf.front();
  const IvfSweep& l2 = faiss.ivf.back();
  const std::string recall = "recall@" + with_thousands(k);
  std::string text =
      "\n  FAISS IndexIVFFlat sorts the items into " + plural(ip.nlist, "list", "lists") +
      " and looks into only nprobe of them: fast, but approximate.\n  " + recall +
      " is the share of the true top " + with_thousands(k) + " that it finds; 1 is all of it.\n";
  Table table;
  table.add({"  nprobe", recall + ", dot product", recall + ", Euclidean"});
  for (std::size_t i = 0; i < ip.steps.size(); ++i) {
    table.add({"  " + with_thousands(ip.steps[i].nprobe), share(ip.steps[i].recall),
               share(l2.steps[i].recall)});
  }
  text += table.text() + "\n  Looking into all " + with_thousands(ip.nlist) +
          " lists it is exact again:\n";
  Table full;
  full.add(
      {"IVF, all lists", "positions", "as IndexFlat", "as the truth", "explained", "unexplained"});
  for (const IvfSweep* sweep : {&ip, &l2}) {
    full.add({sweep->measure == FaissScore::inner_product ? "  max dot product"
                                                          : "  min Euclidean distance",
              with_thousands(sweep->positions), with_thousands(sweep->same_as_flat),
              with_thousands(sweep->full.equal), with_thousands(sweep->full.explained),
              with_thousands(sweep->full.unexplained)});
  }
  return text + full.text() + explanation_notes("IVF, dot product", ip.full) +
         explanation_notes("IVF, Euclidean", l2.full);
}

}  // namespace

std::string faiss_unit_text(const FaissReport& faiss, std::size_t k) {
  std::string text = flat_text(faiss, faiss.unit_inner_product, faiss.unit_distance);
  text +=
      "  FAISS adds in 32-bit arithmetic and so rounds. A difference is \"explained\" if the two "
      "items' true "
      "scores\n"
      "  are closer than the error which that rounding is proven to allow for these very vectors, "
      "and\n"
      "  \"unexplained\" otherwise: then something is broken.\n";
  text += "  FAISS against itself: its two rankings, which should be equal, differ at " +
          plural(faiss.positions_ip_l2_differ, "position", "positions") + " in " +
          plural(faiss.queries_ip_l2_differ, "query", "queries") + ".\n  Of " +
          plural(faiss.asked_alone, "query", "queries") +
          " asked one by one instead of in a batch, " + with_thousands(faiss.alone_ip_differ) +
          " (IP) and " + with_thousands(faiss.alone_l2_differ) + " (L2) got another answer.\n";
  if (!faiss.ivf.empty()) text += ivf_text(faiss, k);
  return text;
}

std::string faiss_raw_text(const FaissReport& faiss) {
  return flat_text(faiss, faiss.raw_inner_product, faiss.raw_distance);
}

}  // namespace maxdot::tools
