#include "jobs/sources/file_decoder.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <new>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

void drop_zeros(std::string_view& input) {
  input.remove_prefix(std::min(input.find_first_not_of('\0'), input.size()));
}

class Gzip final : public Decoder {
 public:
  Gzip() {
    // 16: with the header of gzip.
    if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { ::inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  std::size_t decode(std::string_view& input, std::span<char> output) override {
    if (between_) {
      if (begun_) drop_zeros(input);
      if (input.empty()) return 0;
      ::inflateReset(&stream_);
      between_ = false;
      begun_ = true;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = static_cast<uInt>(output.size());
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    input.remove_prefix(input.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {
      between_ = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw Error(ErrorKind::Data,
                  fmt::format("damaged gzip: {}", stream_.msg != nullptr ? stream_.msg : ::zError(result)));
    }
    return output.size() - stream_.avail_out;
  }
  bool between() const noexcept override { return between_; }
  void reset() override {
    between_ = true;
    begun_ = false;
  }

 private:
  z_stream stream_{};
  bool between_ = true;
  bool begun_ = false;
};

class Zstd final : public Decoder {
 public:
  Zstd() : stream_(::ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
    reset();
  }

  std::size_t decode(std::string_view& input, std::span<char> output) override {
    if (between_) {
      if (begun_) drop_zeros(input);
      if (input.empty()) return 0;
      begun_ = true;
    }
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t result = ::ZSTD_decompressStream(stream_.get(), &out, &in);
    if (::ZSTD_isError(result) != 0) {
      throw Error(ErrorKind::Data, fmt::format("damaged zstd: {}", ::ZSTD_getErrorName(result)));
    }
    input.remove_prefix(in.pos);
    between_ = result == 0;
    return out.pos;
  }
  bool between() const noexcept override { return between_; }
  void reset() override {
    ::ZSTD_initDStream(stream_.get());
    between_ = true;
    begun_ = false;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool between_ = true;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Decoder> gzip_decoder() { return std::make_unique<Gzip>(); }
std::unique_ptr<Decoder> zstd_decoder() { return std::make_unique<Zstd>(); }

}  // namespace syncd::jobs
