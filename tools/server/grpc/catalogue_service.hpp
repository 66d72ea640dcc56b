// maxdot's own service, by gRPC's callbacks: no thread of gRPC waits for the disk.
#pragma once

#include <maxdot.grpc.pb.h>

#include "server/service/catalogues.hpp"

namespace maxdot::server {

class CatalogueService final : public v1::Catalogue::CallbackService {
 public:
  explicit CatalogueService(Catalogues& catalogues) noexcept : catalogues_(catalogues) {}

  grpc::ServerUnaryReactor* Upsert(grpc::CallbackServerContext* context,
                                   const v1::UpsertRequest* request,
                                   v1::ChangeResponse* response) override;
  grpc::ServerUnaryReactor* Remove(grpc::CallbackServerContext* context,
                                   const v1::RemoveRequest* request,
                                   v1::ChangeResponse* response) override;
  grpc::ServerUnaryReactor* Version(grpc::CallbackServerContext* context,
                                    const v1::VersionRequest* request,
                                    v1::VersionResponse* response) override;
  grpc::ServerUnaryReactor* Stats(grpc::CallbackServerContext* context,
                                  const v1::StatsRequest* request,
                                  v1::StatsResponse* response) override;

 private:
  Catalogues& catalogues_;
};

}  // namespace maxdot::server
