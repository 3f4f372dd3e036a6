// Decoder: gzip and zstd, piece by piece.  Files of several members or frames are their concatenation, as for
// zcat and zstdcat; what follows the last one as zeros (a tape's padding) is left out.
#pragma once
#include <memory>
#include <span>
#include <string_view>

namespace syncd::jobs {

class Decoder {
 public:
  virtual ~Decoder() = default;

  // Takes bytes off the front of `input` and returns how many it has written; 0 with `input` as it was: it
  // needs more.  Throws a Data error where the bytes make no sense.
  virtual std::size_t decode(std::string_view& input, std::span<char> output) = 0;
  // True where the bytes so far are complete.
  virtual bool between() const noexcept = 0;
  // From the beginning.
  virtual void reset() = 0;
};

std::unique_ptr<Decoder> gzip_decoder();
std::unique_ptr<Decoder> zstd_decoder();

}  // namespace syncd::jobs
