// maxdot search: the best items for a few queries, or for items like a given one.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands/command.hpp"
#include "commands/explain.hpp"
#include "commands/scoring.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct SearchCommand {
  std::string index_path;
  std::string queries_path;
  std::vector<std::string> like;
  std::string labels_path;
  std::string output_prefix;
  std::optional<Metric> metric;
  RowPlace rows = RowPlace::memory;
  std::uint64_t k = 10;
  std::uint64_t threads = 0;
  bool include_self = false;
  bool explain = false;
  bool json = false;

  std::string ids_path() const { return output_prefix.empty() ? "" : output_prefix + ".ids.npy"; }
  std::string scores_path() const {
    return output_prefix.empty() ? "" : output_prefix + ".scores.npy";
  }
};

struct Answer {
  SearchResult result;
  Metric metric = Metric::cosine;
  SearchStats stats;
  double seconds = 0;
};

// An entry of the results, in text or JSON, takes more memory than its id and score.
constexpr std::size_t bytes_per_written_result = 16;
constexpr std::size_t bytes_per_printed_result = 256;

SearchResult make_result(std::size_t queries, std::size_t k) {
  SearchResult result;
  result.queries = queries;
  result.k = k;
  result.ids.resize(queries * k);
  result.scores.resize(queries * k);
  result.counts.resize(queries);
  return result;
}

void check_arguments(const SearchCommand& command) {
  if (command.queries_path.empty() == command.like.empty()) {
    throw Failure(ExitCode::usage,
                  command.like.empty()
                      ? "nothing to search for; give a file of QUERIES, or --like ITEM"
                      : "both QUERIES and --like are given; give one of them");
  }
  if (command.output_prefix.empty()) return;
  if (command.k == 0)
    throw Failure(ExitCode::usage,
                  "-k: no results are no file; ask for 1 or more, or leave out --out");
  for (const std::string& output : {command.ids_path(), command.scores_path()}) {
    check_output(output, {command.index_path, command.queries_path, command.labels_path});
  }
}

Matrix stored_rows(const Index& index, const std::vector<std::size_t>& rows) {
  Matrix queries(rows.size(), index.dimension(), DType::f32);
  float* out = static_cast<float*>(queries.data());
  for (std::size_t i = 0; i < rows.size(); ++i)
    index.item_row(rows[i], out + i * index.dimension());
  return queries;
}

// From the best k+1 to the best k others: without the item itself where it is among them, else
// without the last.
SearchResult without_self(const SearchResult& all, const std::vector<std::int64_t>& selves) {
  SearchResult others = make_result(all.queries, all.k - 1);
  for (std::size_t q = 0; q < all.queries; ++q) {
    const auto ids = all.ids.begin() + static_cast<std::ptrdiff_t>(q * all.k);
    const auto end = ids + static_cast<std::ptrdiff_t>(all.k);
    const auto self = std::find(ids, end, selves[q]);
    const auto dropped = std::min<std::size_t>(static_cast<std::size_t>(self - ids), others.k);
    for (std::size_t rank = 0; rank < others.k; ++rank) {
      const std::size_t from = q * all.k + rank + (rank >= dropped ? 1 : 0);
      others.ids[q * others.k + rank] = all.ids[from];
      others.scores[q * others.k + rank] = all.scores[from];
    }
    others.counts[q] =
        std::min(all.counts[q] - (self != end ? 1 : 0), static_cast<std::int64_t>(others.k));
  }
  return others;
}

Answer answer_queries(const SearchCommand& command, const Index& index, const ItemNames& names) {
  const std::size_t each =
      command.output_prefix.empty() ? bytes_per_printed_result : bytes_per_written_result;
  const std::string remedy = "use a smaller -k, or 'maxdot batch', which needs little memory";
  SearchOptions options;
  options.threads = static_cast<int>(command.threads);
  options.metric = command.metric;
  Answer answer;
  if (command.explain) options.stats = &answer.stats;
  answer.metric = command.metric.value_or(index.info().metric);
  const auto search = [&](const Matrix& queries, std::size_t k, const std::string& path) {
    answer.result = make_result(queries.rows(), k);
    const Stopwatch watch;
    SearchResult& result = answer.result;
    search_rows(index, queries.view(), k,
                {result.ids.data(), result.scores.data(), result.counts.data()}, options, path, 0);
    answer.seconds = watch.seconds();
  };

  if (!command.queries_path.empty()) {
    const MatrixFile file = MatrixFile::open(command.queries_path);
    check_dimension(file, index, command.index_path);
    check_memory(file.rows(), command.k, each, remedy);
    search(blaming(command.queries_path, [&] { return file.read_all(); }), command.k,
           command.queries_path);
    return answer;
  }
  std::vector<std::size_t> rows;
  std::vector<std::int64_t> selves;
  for (const std::string& name : command.like) {
    rows.push_back(names.row_of(name));
    selves.push_back(index.item_id(rows.back()));
  }
  check_memory(rows.size(), command.k + 1, each, remedy);
  const std::size_t k = command.include_self ? command.k : command.k + 1;
  search(stored_rows(index, rows), k, command.index_path);
  if (!command.include_self) answer.result = without_self(answer.result, selves);
  return answer;
}

Json hits_json(const SearchResult& result, std::size_t query, const ItemNames& names) {
  Json hits = Json::array();
  for (std::size_t at = query * result.k; at < (query + 1) * result.k; ++at) {
    const bool padding = result.ids[at] < 0;
    Json hit = {{"id", result.ids[at]}, {"score", padding ? Json() : Json(result.scores[at])}};
    if (names.has_labels()) {
      const std::string* label = names.label_of(result.ids[at]);
      hit["label"] = label != nullptr ? Json(*label) : Json();
    }
    hits.push_back(std::move(hit));
  }
  return hits;
}

void report_json(const SearchCommand& command, const Answer& answer, const ItemNames& names) {
  const SearchResult& result = answer.result;
  Json document = {{"index", command.index_path},
                   {"queries_file", command.like.empty() ? Json(command.queries_path) : Json()},
                   {"queries", result.queries},
                   {"k", result.k},
                   {"metric", to_string(answer.metric)},
                   {"seconds", answer.seconds}};
  if (command.explain) document["explain"] = explanation_json(answer.stats);
  if (!command.output_prefix.empty()) {
    document["ids_file"] = command.ids_path();
    document["scores_file"] = command.scores_path();
    print_json(document);
    return;
  }
  Json results = Json::array();
  for (std::size_t q = 0; q < result.queries; ++q) {
    Json entry = {{"query", q}};
    if (!command.like.empty()) entry["like"] = command.like[q];
    entry["count"] = result.counts[q];
    entry["hits"] = hits_json(result, q, names);
    results.push_back(std::move(entry));
  }
  document["results"] = std::move(results);
  print_json(document);
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

void print_table(const SearchCommand& command, const Answer& answer, const ItemNames& names) {
  const SearchResult& result = answer.result;
  const std::string score_name = answer.metric == Metric::euclidean ? "distance" : "score";
  for (std::size_t q = 0; q < result.queries; ++q) {
    const std::string title =
        command.like.empty() ? "query " + std::to_string(q) : "like " + printable(command.like[q]);
    print((q > 0 ? "\n" : "") + title + "\n" + padded("rank", 6) + padded("id", 14) +
          padded(score_name, 18) + (names.has_labels() ? "  label" : "") + "\n");
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(result.counts[q]); ++rank) {
      const std::size_t at = q * result.k + rank;
      std::string line = padded(std::to_string(rank + 1), 6) +
                         padded(std::to_string(result.ids[at]), 14) +
                         padded(human_score(result.scores[at]), 18);
      if (const std::string* label = names.label_of(result.ids[at]))
        line += "  " + printable(*label);
      print(line + "\n");
    }
  }
}

void run(const SearchCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  check_arguments(command);
  const Index index = blaming(
      command.index_path, [&] { return Index::open(command.index_path, {.rows = command.rows}); });
  const ItemNames names(index, command.labels_path);
  const Answer answer = answer_queries(command, index, names);
  const SearchResult& result = answer.result;
  if (!command.output_prefix.empty()) {
    ResultWriter writer(command.ids_path(), command.scores_path(), result.queries, result.k);
    writer.append(result.ids.data(), result.scores.data(), result.queries);
    writer.commit();
  }
  if (command.json) {
    report_json(command, answer, names);
  } else if (command.output_prefix.empty()) {
    print_table(command, answer, names);
  } else {
    print_fields({{"queries", with_thousands(result.queries)},
                  {"k", with_thousands(result.k)},
                  {"metric", to_string(answer.metric)},
                  {"ids", printable(command.ids_path())},
                  {"scores", printable(command.scores_path())},
                  {"search", human_seconds(answer.seconds)}});
  }
  if (command.explain && !command.json) print_explanation(index, answer.stats, answer.seconds);
}

}  // namespace

void register_search(CLI::App& app) {
  const auto command = std::make_shared<SearchCommand>();
  CLI::App& search = *app.add_subcommand(
      "search", "Find the best items for queries, or for items like a given one");
  add_file(search, "INDEX", command->index_path, "An index file")->required();
  add_file(search, "QUERIES", command->queries_path,
           "Embeddings to search for: .npy (f32, f16), .fvecs or .fbin");
  add_k(search, command->k, 0);
  CLI::Option* like =
      search.add_option("--like", command->like,
                        "Search for the items most like these of the index: by label if --labels "
                        "is given, else by id");
  like->type_name("ITEM");
  search
      .add_flag("--include-self", command->include_self,
                "With --like: keep the item in its own list")
      ->needs(like);
  add_file(search, "--labels", command->labels_path,
           "Names of the items: UTF-8 text, line r names row r");
  search
      .add_option("--out", command->output_prefix,
                  "Write PREFIX.ids.npy (int64) and PREFIX.scores.npy (float32), both [queries, k]")
      ->type_name("PREFIX");
  add_metric(search, command->metric, "dot, cosine or euclidean (default: the index's own)");
  add_rows(search, command->rows);
  add_threads(search, command->threads);
  search.add_flag("--explain", command->explain,
                  "Tell what was read, how much survived each screen, and how fast");
  add_json(search, command->json);
  add_footer(search,
             "maxdot search items.maxdot queries.npy -k 10\n"
             "  maxdot search items.maxdot --labels titles.txt --like 'Toy Story (1995)' -k 5");
  search.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
