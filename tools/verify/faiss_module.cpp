// Finds and loads the module beside the command.
#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "verify/faiss_library.hpp"

namespace maxdot::tools {
namespace {

const FaissLibrary* load() {
  std::error_code error;
  const std::filesystem::path command = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return nullptr;
  // By its whole path, so that no other folder is searched. It stays loaded: its threads outlive
  // every call.
  const std::filesystem::path file = command.parent_path() / kFaissModule;
  void* const module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return nullptr;
  const auto entry = reinterpret_cast<FaissEntry>(dlsym(module, kFaissEntry));
  return entry == nullptr ? nullptr : entry(kFaissInterface);
}

}  // namespace

const FaissLibrary* load_faiss() {
  static const FaissLibrary* const library = load();
  return library;
}

}  // namespace maxdot::tools
