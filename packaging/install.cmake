# Where everything goes: `cmake --install` and the Debian package.
include(GNUInstallDirs)

# Debian 12 has its units in /lib, Debian 13 in /usr/lib: systemd.pc knows.  Another prefix than /usr keeps
# to itself.
set(unit_dir lib/systemd/system)
set(sysusers_dir lib/sysusers.d)
pkg_check_modules(SYSTEMD_DIRS QUIET systemd)
if(SYSTEMD_DIRS_FOUND AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  pkg_get_variable(unit_dir systemd systemdsystemunitdir)
  pkg_get_variable(sysusers_dir systemd sysusersdir)
endif()

configure_file(systemd/syncd.service.in systemd/syncd.service @ONLY)
install(TARGETS syncd syncctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${CMAKE_BINARY_DIR}/systemd/syncd.service systemd/syncd.socket DESTINATION ${unit_dir})
install(FILES systemd/syncd.sysusers DESTINATION ${sysusers_dir} RENAME syncd.conf)
install(FILES config/syncd.toml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/syncd)
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/syncd/jobs.d)
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/syncd/credentials
        DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(DIRECTORY config/jobs.d/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/jobs.d)
install(DIRECTORY systemd/drop-ins/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/drop-ins)
install(FILES README.md CHANGELOG.md docs/guarantees.md docs/operations.md docs/schedules.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# --- man pages -----------------------------------------------------------------------------------------
find_program(SCDOC scdoc REQUIRED)
set(man_dir ${CMAKE_BINARY_DIR}/man)
file(MAKE_DIRECTORY ${man_dir})
function(syncd_man page)  # PAGE.SECTION from these files, one after the other
  add_custom_command(OUTPUT ${man_dir}/${page}
    COMMAND cat ${ARGN} | ${SCDOC} > ${man_dir}/${page} DEPENDS ${ARGN} VERBATIM)
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES ${man_dir}/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endfunction()
# What comes from the declarations that parse cannot be out of date.
function(syncd_says file program)  # FILE in the folder of man pages, printed by PROGRAM with these arguments
  add_custom_command(OUTPUT ${man_dir}/${file}
    COMMAND ${program} ${ARGN} > ${man_dir}/${file} DEPENDS ${program} VERBATIM)
endfunction()
syncd_says(reference.scd syncd --reference=man)
syncd_says(syncctl.scd syncctl --manual)
syncd_says(syncctl.bash syncctl completion bash)
syncd_says(syncctl.zsh syncctl completion zsh)
syncd_says(syncctl.fish syncctl completion fish)
syncd_man(syncd.8 ${CMAKE_SOURCE_DIR}/packaging/man/syncd.8.scd)
syncd_man(syncd.toml.5 ${CMAKE_SOURCE_DIR}/packaging/man/syncd.toml.5.scd ${man_dir}/reference.scd)
syncd_man(syncctl.1 ${man_dir}/syncctl.scd)
add_custom_target(manual ALL DEPENDS ${man_dir}/syncd.8 ${man_dir}/syncctl.1 ${man_dir}/syncd.toml.5
  ${man_dir}/syncctl.bash ${man_dir}/syncctl.zsh ${man_dir}/syncctl.fish)
install(FILES ${man_dir}/syncctl.bash RENAME syncctl
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${man_dir}/syncctl.zsh RENAME _syncctl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${man_dir}/syncctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
