#include "server/grpc/catalogue_service.hpp"

#include "server/base/utf8.hpp"
#include "server/grpc/callback.hpp"
#include "server/grpc/convert.hpp"

namespace maxdot::server {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

template <typename Request>
ServerUnaryReactor* write(Catalogues& catalogues, WriteKind kind, CallbackServerContext* context,
                          const Request* request, v1::ChangeResponse* response) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto decode = [&] {
    WriteRequest decoded = request_of(*request);
    decoded.deadline = deadline_of(*context);
    return decoded;
  };
  // The message and the response live until Finish.
  const auto done = [reactor, response](const Change& change, const RequestError* error) {
    if (error != nullptr) return reactor->Finish(status_of(*error));
    response->set_version(change.version);
    response->set_items(change.items);
    reactor->Finish(grpc::Status());
  };
  catalogues.write(Protocol::grpc, kind, authorization_of(*context), decode, done);
  return reactor;
}

}  // namespace

ServerUnaryReactor* CatalogueService::Upsert(CallbackServerContext* context,
                                             const v1::UpsertRequest* request,
                                             v1::ChangeResponse* response) {
  return write(catalogues_, WriteKind::upsert, context, request, response);
}

ServerUnaryReactor* CatalogueService::Remove(CallbackServerContext* context,
                                             const v1::RemoveRequest* request,
                                             v1::ChangeResponse* response) {
  return write(catalogues_, WriteKind::remove, context, request, response);
}

ServerUnaryReactor* CatalogueService::Version(CallbackServerContext* context,
                                              const v1::VersionRequest* request,
                                              v1::VersionResponse* response) {
  return at_once(context, [&] {
    const Snapshot now = catalogues_.snapshot(request->model(), authorization_of(*context));
    response->set_version(now.version());
    response->set_items(now.size());
    response->set_dimension(now.dimension());
  });
}

ServerUnaryReactor* CatalogueService::Stats(CallbackServerContext* context,
                                            const v1::StatsRequest* request,
                                            v1::StatsResponse* response) {
  return at_once(context, [&] {
    const LiveStats stats = catalogues_.stats(request->model(), authorization_of(*context));
    response->set_version(stats.version);
    response->set_items(stats.items);
    response->set_fresh_items(stats.fresh_items);
    response->set_dead_items(stats.dead_items);
    response->set_segments(stats.segments);
    response->set_segment_bytes(stats.segment_bytes);
    response->set_log_bytes(stats.log_bytes);
    response->set_compactions(stats.compactions);
    response->set_replaces(stats.replaces);
    response->set_compaction_error(as_utf8(stats.compaction_error));
  });
}

}  // namespace maxdot::server
