; The installer for Windows: for one user, without administrator's rights. Compiled on Linux or Windows:
;   makensis -DVERSION=0.1.0 -DNUMBERS=0.1.0.0 -DPAYLOAD=folder -DOUTFILE=setup.exe -DICON=sdstudio.ico installer.nsi
; With -DSIGN="command" the installer and the uninstaller are signed by `command FILE`.
; It knows its own files only: models, pictures and settings are elsewhere, and whatever else lies in its folder stays.

Target amd64-unicode
Unicode true
SetCompressor /SOLID lzma
SetCompressorDictSize 64

!include "MUI2.nsh"
!include "FileFunc.nsh"

!define NAME "SD Studio"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\SDStudio"
!define OPEN_WITH_KEY "Software\Classes\Applications\sdstudio.exe"

Name "${NAME}"
OutFile "${OUTFILE}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${UNINSTALL_KEY}" "InstallLocation"
BrandingText "${NAME} ${VERSION}"

VIProductVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} ${VERSION}, installer"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "CompanyName" "The SD Studio authors"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"

!ifdef SIGN
  !finalize '${SIGN} "%1"'
  !uninstfinalize '${SIGN} "%1"'
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\sdstudio.exe"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; A program that runs holds its own file: it can be renamed, but not opened for writing.
!macro STOP_WHILE_RUNNING PREFIX
Function ${PREFIX}StopWhileRunning
  IfFileExists "$INSTDIR\sdstudio.exe" 0 done
  ClearErrors
  FileOpen $0 "$INSTDIR\sdstudio.exe" a
  IfErrors running
  FileClose $0
  Goto done
running:
  MessageBox MB_OK|MB_ICONEXCLAMATION "${NAME} is running. Close it, then start this again." /SD IDOK
  SetErrorLevel 1
  Quit
done:
FunctionEnd
!macroend
!insertmacro STOP_WHILE_RUNNING ""
!insertmacro STOP_WHILE_RUNNING "un."

; Only what the installer put there: an update must not mix old libraries with new ones.
!macro REMOVE_PROGRAM
  RMDir /r "$INSTDIR\_internal"
  Delete "$INSTDIR\sdstudio.exe"
  Delete "$INSTDIR\sdstudio-cli.exe"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\NOTICE.txt"
  Delete "$INSTDIR\THIRD_PARTY_LICENSES.txt"
  Delete "$INSTDIR\sbom.cdx.json"
!macroend

Section "Program"
  Call StopWhileRunning
  ; A folder called _internal without our program beside it is somebody else's.
  IfFileExists "$INSTDIR\sdstudio.exe" 0 install
  !insertmacro REMOVE_PROGRAM
install:
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortCut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\sdstudio.exe"

  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\sdstudio.exe"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The SD Studio authors"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" "$0"

  ; In the list “Open with”; which program a double-click starts stays as it is.
  WriteRegStr HKCU "${OPEN_WITH_KEY}" "FriendlyAppName" "${NAME}"
  WriteRegStr HKCU "${OPEN_WITH_KEY}\shell\open\command" "" '"$INSTDIR\sdstudio.exe" "%1"'
  WriteRegStr HKCU "${OPEN_WITH_KEY}\SupportedTypes" ".png" ""
  WriteRegStr HKCU "${OPEN_WITH_KEY}\SupportedTypes" ".jpg" ""
  WriteRegStr HKCU "${OPEN_WITH_KEY}\SupportedTypes" ".jpeg" ""
  WriteRegStr HKCU "${OPEN_WITH_KEY}\SupportedTypes" ".webp" ""
  WriteRegStr HKCU "${OPEN_WITH_KEY}\SupportedTypes" ".ora" ""
SectionEnd

Section "Uninstall"
  Call un.StopWhileRunning
  !insertmacro REMOVE_PROGRAM
  Delete "$INSTDIR\uninstall.exe"
  ; Not /r: a folder with anything else in it, such as the data of a portable copy, stays.
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\${NAME}.lnk"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "${OPEN_WITH_KEY}"
SectionEnd
